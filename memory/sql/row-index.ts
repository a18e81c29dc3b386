// The index of one stream's and layer's keys. The largest inner product becomes the nearest neighbour: a key gets one number
// more, which makes all equally long, and for which a query has 0 (Bachrach et al. 2014, doi 10.1145/2645710.2645741).
//
// Rows lie in lists around the means of k-means. A graph of neighbours (HNSW) finds fewer of them and takes twenty times as long
// to make: queries are distributed otherwise than the keys that its edges join.

import {isRecord, parseJson} from '../../formats/json-text.js';
import {MemoryStoreError} from '../store-error.js';

/** Lists of an index, and how many of them a query looks through: a tenth of the rows. */
export const LISTS = 320;
export const PROBES = 32;
/** Vectors longer than that have no index: pgvector's limit, but for the added number. */
export const INDEXED_WIDTH = 1999;
/** Bytes that k-means takes at most: of pgvector, 50 rows a list with their bounds to all lists; half as much again to spare. */
export const indexBytes = (width: number): number => 75 * LISTS * (4 * width + 4 * LISTS + 64);

export interface RowIndex {
  /** All of it as the database holds it. */
  readonly text: string;
  /** Largest square of the length of each group's keys when it was made. */
  readonly squares: readonly number[];
  /** Rows then. */
  readonly rows: number;
}

/** An index that is to be made. Errors: MemoryStoreError for keys whose length is beyond float64. */
export function newRowIndex(squares: unknown, rows: number): RowIndex {
  return parseRowIndex(JSON.stringify({squares, rows}));
}

/** What the database holds of an index: numbers alone. Errors: MemoryStoreError for what no store wrote. */
export function parseRowIndex(text: string): RowIndex {
  const fail = (what: string): never => {
    throw new MemoryStoreError('damaged', `memory: the index of bmojo_parts ${what}`);
  };
  const value = parseJson(text, fail);
  if (!isRecord(value)) return fail('is no record');
  const {squares, rows} = value;
  const isSize = (one: unknown): one is number => typeof one === 'number' && Number.isFinite(one) && one > 0;
  if (!Array.isArray(squares) || !squares.every(isSize)) return fail('has lengths that are none');
  if (!isSize(rows)) return fail('counts no rows');
  return {text, squares, rows};
}

/** What is indexed of a key. A key that came later may be longer than all were: it gets 0. */
export function indexedKey(column: string, width: number, square: number): string {
  const key = `${column}::vector(${width})`;
  const added = `sqrt(greatest(0, ${Number(square)}::float8 - inner_product(${key}, ${key})))`;
  return `(${key} || array[${added}]::vector(1))::vector(${width + 1})`;
}

/** A query as the index is asked: as long as its keys, since then what it finds does not depend on the query's length. */
export function indexQuery(queries: Float32Array, from: number, width: number, square: number): Float32Array {
  const query = new Float32Array(width + 1);
  query.set(queries.subarray(from, from + width));
  const length = Math.hypot(...query);
  return length === 0 ? query : query.map(value => (value / length) * Math.sqrt(square));
}
