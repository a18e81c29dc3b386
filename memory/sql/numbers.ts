// Rows between arrays and a database: keys and values of a row as bytes, exactly as stored, and keys as text for the columns
// that are searched.

import {load, rowNumbers, store, storedNumbers} from '../row-block.js';
import type {MemoryFormat} from '../store.js';

/** Bytes of a row's keys, then its values, little-endian. */
export function packRow(
  keys: Float32Array,
  values: Float32Array,
  row: number,
  format: MemoryFormat,
): Uint8Array {
  const numbers = rowNumbers(format);
  const stored = storedNumbers(format, 2 * numbers);
  store(keys.subarray(row * numbers, (row + 1) * numbers), stored, 0);
  store(values.subarray(row * numbers, (row + 1) * numbers), stored, numbers);
  return new Uint8Array(stored.buffer);
}

/** A row's keys, then its values; undefined where the bytes are of another length. */
export function unpackRow(bytes: unknown, format: MemoryFormat): Float32Array | undefined {
  const numbers = 2 * rowNumbers(format);
  const stored = storedNumbers(format, numbers);
  if (!(bytes instanceof Uint8Array) || bytes.length !== stored.byteLength) return undefined;
  new Uint8Array(stored.buffer).set(bytes);
  const row = new Float32Array(numbers);
  load(stored, 0, numbers, row, 0);
  return row;
}

/** One vector as pgvector and, in braces, arrays of PostgreSQL are written. */
export function vectorText(numbers: ArrayLike<number>, from: number, width: number, open: '[' | '{'): string {
  const words: number[] = [];
  for (let i = 0; i < width; i++) words.push(numbers[from + i]);
  return `${open}${words.join(',')}${open === '[' ? ']' : '}'}`;
}
