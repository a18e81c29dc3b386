// Runs in the browser's page: a store of memory in PGlite, which lies in the page's own IndexedDB.

import {PGlite} from '@electric-sql/pglite';
import {vector} from '@electric-sql/pglite-pgvector';
import type {MemoryFormat, MemoryStore} from '../../memory/index.js';
import {openMemory} from '../../memory/index.js';

export interface FoundInPage {
  readonly rows: number;
  readonly positions: readonly number[];
  readonly scores: readonly number[];
  readonly values: readonly number[];
}

declare global {
  interface Window {
    /** Appends rows to the page's memory, and finds the two best for a query. */
    keepInMemory(keys: readonly number[], positions: readonly number[]): Promise<FoundInPage>;
    findInMemory(): Promise<FoundInPage>;
    /** How many rows there were. */
    forgetMemory(): Promise<number>;
  }
}

const format: MemoryFormat = {model: 'page', layers: [1], groups: 1, width: 2, precision: 'f32'};
const part = {stream: 'reader', layer: 1};

async function withMemory<T>(work: (store: MemoryStore) => Promise<T>): Promise<T> {
  const pglite = new PGlite('idb://bmojo-memory', {extensions: {vector}});
  const store = await openMemory(pglite, {format});
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function found(store: MemoryStore): Promise<FoundInPage> {
  const {rows} = await store.stats();
  const hits = await store.search({
    ...part,
    queries: Float32Array.of(1, 2),
    count: 2,
    before: Int32Array.of(1000),
  });
  const [positions, scores, values] = [hits.positions, hits.scores, hits.values].map(one => [...one]);
  return {rows, positions, scores, values};
}

window.keepInMemory = (keys, positions) =>
  withMemory(async store => {
    await store.append({
      ...part,
      positions: Int32Array.from(positions),
      innovations: new Float32Array(positions.length),
      keys: Float32Array.from(keys),
      values: Float32Array.from(keys, value => 10 * value),
    });
    return found(store);
  });

window.findInMemory = () => withMemory(found);

window.forgetMemory = () => withMemory(store => store.forget({streams: ['reader']}));
