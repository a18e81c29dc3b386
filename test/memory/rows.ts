// Batches, questions and the definition of search, for tests of stores.

import {randomStream} from '../../data/random.js';
import type {MemoryBatch, MemoryFormat, MemoryHits, MemoryQuery, MemoryStore} from '../../memory/store.js';
import {NO_SCORE} from '../../memory/store.js';

export const tinyFormat: MemoryFormat = {
  model: 'tiny',
  layers: [1, 3],
  groups: 2,
  width: 8,
  precision: 'f32',
};

/** Numbers that every precision holds: multiples of 1/8 in [-2, 2). */
export function eighths(length: number, seed: number): Float32Array {
  const random = randomStream([seed, 77], 0);
  return Float32Array.from({length}, () => Math.floor(32 * random.uniform()) / 8 - 2);
}

export interface BatchSettings {
  readonly stream?: string;
  readonly layer?: number;
  readonly from?: number;
  readonly n?: number;
  readonly seed?: number;
}

export function batchOf(
  {groups, width}: MemoryFormat,
  {stream = 'a', layer = 1, from = 0, n = 16, seed = 1}: BatchSettings = {},
): Required<MemoryBatch> {
  const innovations = eighths(n, seed + 1000).map(Math.abs);
  return {
    stream,
    layer,
    positions: Int32Array.from({length: n}, (_, i) => from + i),
    innovations,
    tokens: Int32Array.from({length: n}, (_, i) => (i % 3 === 0 ? -1 : 100 + i)),
    keys: eighths(n * groups * width, seed + 2000),
    values: eighths(n * groups * width, seed + 3000),
  };
}

export function queryOf(
  {groups, width}: MemoryFormat,
  {stream = 'a', layer = 1, n = 3, count = 4, before = 1000, seed = 5} = {},
): MemoryQuery {
  return {
    stream,
    layer,
    queries: eighths(n * groups * width, seed),
    count,
    before: new Int32Array(n).fill(before),
  };
}

/** What a search must find among rows of one stream and layer: every row scored, sorted, the first taken. */
export function expectedHits(
  {groups, width}: MemoryFormat,
  batches: readonly Required<MemoryBatch>[],
  {queries, count, before}: MemoryQuery,
): MemoryHits {
  const rows = batches.flatMap(batch => [...batch.positions.keys()].map(row => ({batch, row})));
  const places = before.length * groups * count;
  const hits = {
    positions: new Int32Array(places).fill(-1),
    tokens: new Int32Array(places).fill(-1),
    scores: new Float32Array(places).fill(NO_SCORE),
    keys: new Float32Array(places * width),
    values: new Float32Array(places * width),
  };
  for (let list = 0; list < before.length * groups; list++) {
    const at = (row: number): number => (row * groups + (list % groups)) * width;
    const scored = rows
      .filter(({batch, row}) => batch.positions[row] < before[Math.floor(list / groups)])
      .map(({batch, row}) => {
        let score = 0;
        for (let i = 0; i < width; i++) score += batch.keys[at(row) + i] * queries[list * width + i];
        return {batch, row, score, position: batch.positions[row]};
      })
      .sort((a, b) => b.score - a.score || a.position - b.position)
      .slice(0, count);
    for (const [i, {batch, row, score, position}] of scored.entries()) {
      const place = list * count + i;
      hits.positions[place] = position;
      hits.tokens[place] = batch.tokens[row];
      hits.scores[place] = score;
      hits.keys.set(batch.keys.subarray(at(row), at(row) + width), place * width);
      hits.values.set(batch.values.subarray(at(row), at(row) + width), place * width);
    }
  }
  return hits;
}

/** The rows of batches that a test lets stay. */
export function rowsWhere(
  batch: Required<MemoryBatch>,
  {groups, width}: MemoryFormat,
  stays: (position: number) => boolean,
): Required<MemoryBatch> {
  const rows = [...batch.positions.keys()].filter(row => stays(batch.positions[row]));
  const numbers = groups * width;
  const pick = (from: Float32Array): Float32Array =>
    Float32Array.from(rows.flatMap(row => [...from.subarray(row * numbers, (row + 1) * numbers)]));
  return {
    stream: batch.stream,
    layer: batch.layer,
    positions: Int32Array.from(rows, row => batch.positions[row]),
    innovations: Float32Array.from(rows, row => batch.innovations[row]),
    tokens: Int32Array.from(rows, row => batch.tokens[row]),
    keys: pick(batch.keys),
    values: pick(batch.values),
  };
}

/** Everything in a store, one batch for each stream and layer. */
export async function contents(store: MemoryStore): Promise<Required<MemoryBatch>[]> {
  const parts: Required<MemoryBatch>[] = [];
  for await (const batch of store.snapshot({streams: 'all'})) {
    const last = parts.at(-1);
    if (last?.stream === batch.stream && last.layer === batch.layer)
      parts[parts.length - 1] = joined(last, batch);
    else parts.push(batch);
  }
  return parts;
}

export function joined(a: Required<MemoryBatch>, b: Required<MemoryBatch>): Required<MemoryBatch> {
  const numbers = (x: Float32Array, y: Float32Array): Float32Array => Float32Array.of(...x, ...y);
  return {
    stream: a.stream,
    layer: a.layer,
    positions: Int32Array.of(...a.positions, ...b.positions),
    innovations: numbers(a.innovations, b.innovations),
    tokens: Int32Array.of(...a.tokens, ...b.tokens),
    keys: numbers(a.keys, b.keys),
    values: numbers(a.values, b.values),
  };
}
