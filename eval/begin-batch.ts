// Texts behind the ids that a model expects before one, such as a begin of text.

import type {Batch} from '../data/batch.js';

/** The same batch with `startTokens` before each of its texts; what is scored stays. */
export function beginBatch(batch: Batch, startTokens: readonly number[]): Batch {
  const count = startTokens.length;
  if (count === 0) return batch;
  const {size, length} = batch;
  const whole = length + count;
  const tokens = new Int32Array(size * whole);
  for (let b = 0; b < size; b++) {
    tokens.set(startTokens, b * whole);
    tokens.set(batch.tokens.subarray(b * length, (b + 1) * length), b * whole + count);
  }
  const rows = batch.rows.map(row => row + count * (Math.floor(row / length) + 1));
  return {...batch, length: whole, tokens, rows};
}
