// How much of what an exact search finds an index finds too, for the queries that a trained model really asks: they are
// distributed otherwise than the keys.

import type {MemoryBatch, MemoryFormat, MemoryQuery, MemoryStore} from '../memory/index.js';
import {memoryInProcess} from '../memory/index.js';
import type {MemoryStoreOptions} from '../memory/store.js';
import type {LanguageModel} from '../models/language-model.js';
import {memoryFormat, SessionMemory} from '../models/session-memory.js';
import {disposeModelState} from '../models/state.js';
import type {MeasuredPlace} from './memory.js';

export interface MemoryRecallSettings {
  readonly model: LanguageModel;
  /** What the model reads: as many tokens as rows of each layer. */
  readonly tokens: Int32Array;
  readonly precision: MemoryFormat['precision'];
  /** Queries that are asked again: those of so many tokens, spread over the last half. */
  readonly queries: number;
  /** Rows that a query is to find. Default: as many as the model retrieves. */
  readonly count?: number;
  readonly rowSearch: MemoryStoreOptions['rowSearch'];
  /** The store with an index. */
  readonly index: MeasuredPlace;
}

export interface MemoryRecall {
  readonly rows: number;
  /** Queries of all layers and key heads. */
  readonly queries: number;
  /** Rows that a query finds, K. */
  readonly count: number;
  /** Share of the best K rows that the index finds; for queries that are stored keys; and share of queries whose best row it finds. */
  readonly recall: number;
  readonly recallOfKeys: number;
  readonly first: number;
}

interface Seen {
  readonly batches: MemoryBatch[];
  readonly queries: MemoryQuery[];
}

const STREAM = 'bench';

/** What a session hands to its store and asks of it. */
function recorded(store: MemoryStore, seen: Seen): MemoryStore {
  return {
    format: store.format,
    append: batch => {
      seen.batches.push(batch);
      return store.append(batch);
    },
    search: query => {
      seen.queries.push(query);
      return store.search(query);
    },
    forget: selection => store.forget(selection),
    snapshot: selection => store.snapshot(selection),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}

async function readAll(model: LanguageModel, store: MemoryStore, tokens: Int32Array): Promise<void> {
  const session = new SessionMemory(model, {store, stream: STREAM}, store.format.model);
  let state = model.initialState(1);
  try {
    while (state.position < tokens.length) {
      await session.landed();
      const end = Math.min(tokens.length, state.position + session.room(state.position));
      const next = await session.advance(tokens.slice(state.position, end), state);
      next.hidden.dispose();
      disposeModelState(state);
      state = next.state;
    }
    await session.settle(state);
  } finally {
    disposeModelState(state);
  }
}

/** A query of the last token of each, spread over the last half. */
function spreadQueries(
  {queries}: Seen,
  wanted: number,
  rows: number,
  {groups, width}: MemoryFormat,
): MemoryQuery[] {
  const late = queries.slice(queries.length >> 1);
  const count = Math.min(wanted, late.length);
  return Array.from({length: count}, (_, i) => {
    const query = late[Math.floor((i * late.length) / count)];
    return {...query, queries: query.queries.slice(-groups * width), before: Int32Array.of(rows)};
  });
}

/** Shares of the rows of `exact`, query head by query head, that `found` holds. */
async function compared(
  exact: MemoryStore,
  index: MemoryStore,
  queries: readonly MemoryQuery[],
): Promise<{recall: number; first: number}> {
  let [shared, wanted, firsts, heads] = [0, 0, 0, 0];
  for (const query of queries) {
    const [best, found] = [await exact.search(query), await index.search(query)];
    for (let head = 0; head < exact.format.groups; head++) {
      const of = ({positions}: {positions: Int32Array}): number[] =>
        [...positions.subarray(head * query.count, (head + 1) * query.count)].filter(at => at >= 0);
      const [own, others] = [of(best), new Set(of(found))];
      shared += own.filter(at => others.has(at)).length;
      wanted += own.length;
      firsts += others.has(own[0]) ? 1 : 0;
      heads++;
    }
  }
  return {recall: shared / wanted, first: firsts / heads};
}

/** Reads the tokens, fills the store with an index, and asks both again. */
export async function benchMemoryRecall({
  model,
  tokens,
  precision,
  queries: wanted,
  count: asked,
  rowSearch,
  index: place,
}: MemoryRecallSettings): Promise<MemoryRecall> {
  const format = memoryFormat(model, {weights: 'bench', precision});
  const exact = memoryInProcess(format, {rowSearch});
  const seen: Seen = {batches: [], queries: []};
  await readAll(model, recorded(exact, seen), tokens);
  const filling = await place.open(format);
  for (const batch of joined(seen.batches)) await filling.append(batch);
  const index = (await place.filled?.(filling)) ?? filling;
  try {
    const queries = spreadQueries(seen, wanted, tokens.length, format).map(query => ({
      ...query,
      count: asked ?? query.count,
    }));
    const {recall, first} = await compared(exact, index, queries);
    const asKeys = queries.map(query => {
      const own = seen.batches.filter(({layer}) => layer === query.layer);
      const {keys} = own[Math.floor(own.length / 2) + (queries.indexOf(query) % Math.floor(own.length / 2))];
      return {...query, queries: keys.slice(0, format.groups * format.width)};
    });
    const {recall: recallOfKeys} = await compared(exact, index, asKeys);
    const [{count}] = queries;
    return {rows: tokens.length, queries: queries.length * format.groups, count, recall, recallOfKeys, first};
  } finally {
    await index.close();
    await exact.close();
  }
}

/** Batches of one layer after the other, thousands of rows at a time. */
function joined(batches: readonly MemoryBatch[]): MemoryBatch[] {
  const layers = [...new Set(batches.map(({layer}) => layer))];
  return layers.flatMap(layer => {
    const own = batches.filter(batch => batch.layer === layer);
    const size = 512;
    return Array.from({length: Math.ceil(own.length / size)}, (_, i) => {
      const some = own.slice(i * size, (i + 1) * size);
      const numbers = (of: (batch: MemoryBatch) => Float32Array): Float32Array =>
        Float32Array.from(some.flatMap(batch => [...of(batch)]));
      return {
        stream: STREAM,
        layer,
        positions: Int32Array.from(some.flatMap(({positions}) => [...positions])),
        innovations: numbers(({innovations}) => innovations),
        keys: numbers(({keys}) => keys),
        values: numbers(({values}) => values),
      };
    });
  });
}
