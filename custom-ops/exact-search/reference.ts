// The rows with the largest inner products, found by looking at each: the definition.

import type {HostCall} from '../op.js';
import type {ExactSearchAttributes} from './attributes.js';
import {NO_SCORE} from './attributes.js';

/** One past the last row that a query may find: those a window and more before its chunk, or all. */
export function rowLimit(
  query: number,
  {N, window, queryOffset, phase}: Omit<ExactSearchAttributes, 'count'> & {N: number},
): number {
  if (window === 0) return N;
  const chunk = Math.floor((phase + query) / window);
  return Math.max(0, Math.min(N, queryOffset - phase + (chunk - 1) * window));
}

export function forward({inputs, outputs, dims, attrs}: HostCall<ExactSearchAttributes>): void {
  const {q, k, admitted} = inputs;
  const {rows, scores} = outputs;
  const {B, L, N, G, Dh, R} = dims;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < L; t++) {
      const limit = rowLimit(t, {N, ...attrs});
      for (let g = 0; g < G; g++) {
        const queryAt = ((b * L + t) * G + g) * Dh;
        const found: {row: number; score: number}[] = [];
        for (let row = 0; row < limit; row++) {
          if (admitted !== undefined && admitted[b * N + row] === 0) continue;
          let score = 0;
          for (let d = 0; d < Dh; d++) score += q[queryAt + d] * k[((b * N + row) * G + g) * Dh + d];
          // Fails for NaN too.
          if (!(score > (found[R - 1]?.score ?? NO_SCORE))) continue;
          // Behind all that are as good: they are older.
          const place = found.findIndex(other => other.score < score);
          found.splice(place < 0 ? found.length : place, 0, {row, score});
          if (found.length > R) found.pop();
        }
        const at = ((b * L + t) * G + g) * R;
        for (let r = 0; r < R; r++) {
          rows[at + r] = found[r]?.row ?? -1;
          scores[at + r] = found[r]?.score ?? NO_SCORE;
        }
      }
    }
  }
}
