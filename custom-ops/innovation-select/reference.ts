// The tokens kept for each chunk: the best scores of the prefix, ties to the older token. The definition.

import type {HostArray, HostCall} from '../op.js';
import type {InnovationSelectAttributes} from './attributes.js';

export interface SelectionSizes {
  readonly B: number;
  /** Rows of scores. */
  readonly M: number;
  /** Chunks. */
  readonly C: number;
  readonly capacity: number;
  readonly window: number;
  readonly queryOffset: number;
  readonly phase: number;
  readonly overlap: boolean;
}

/** One past the last row that may be stored for a chunk. */
export function candidateLimit(chunk: number, sizes: Omit<SelectionSizes, 'B' | 'C' | 'capacity'>): number {
  const {queryOffset, phase, window, overlap, M} = sizes;
  const limit = queryOffset - phase + chunk * window - (overlap ? 0 : window);
  return Math.min(M, Math.max(0, limit));
}

/** Keeps the best rows sorted while the prefix grows; a row enters before the first that it beats. */
export function selectRows(scores: ArrayLike<number>, positions: HostArray, sizes: SelectionSizes): void {
  const {B, M, C, capacity} = sizes;
  for (let b = 0; b < B; b++) {
    const kept: number[] = [];
    let row = 0;
    for (let chunk = 0; chunk < C; chunk++) {
      for (; row < candidateLimit(chunk, sizes); row++) {
        const score = scores[b * M + row];
        if (!(score >= 0)) continue; // negative: had its chance; NaN: never stored
        let place = kept.length;
        while (place > 0 && scores[b * M + kept[place - 1]] < score) place--;
        if (place >= capacity) continue;
        kept.splice(place, 0, row);
        if (kept.length > capacity) kept.pop();
      }
      const start = (b * C + chunk) * capacity;
      for (let slot = 0; slot < capacity; slot++) positions[start + slot] = kept[slot] ?? -1;
    }
  }
}

export function forward({inputs, outputs, dims, attrs}: HostCall<InnovationSelectAttributes>): void {
  const {B, M, C} = dims;
  selectRows(inputs.scores, outputs.positions, {B, M, C, ...attrs});
}
