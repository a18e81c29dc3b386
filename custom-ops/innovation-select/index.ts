import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {innovationSelectOp} from './definition.js';

/** Options of {@link innovationSelect}: window and capacity must be given, other defaults stand beside each. */
export interface InnovationSelectOptions {
  /** Chunk length w. */
  window: number;
  /** Slots me. */
  capacity: number;
  /** Let the chunk just before the queries' own be stored too. Default false. */
  overlap?: boolean;
  /** Rows that come before the first query's own, for a continued stream. Default 0. */
  queryOffset?: number;
  /** Position of the first query within its chunk. Default 0. */
  phase?: number;
}

/**
 * The rows kept for each chunk c: the `capacity` largest scores among rows before the chunk, without the last w of them
 * unless `overlap`; largest first, ties to the older row, -1 where a slot stays empty.
 *
 * scores [B, queryOffset + L]; returns int32 [B, C, me], C = ceil((phase + L) / w). Negative scores and NaN are never
 * kept. No gradient. Errors: ArgumentError. Source: arXiv 2407.06324, Algorithm 1.
 */
export function innovationSelect(scores: Tensor2D, options: InnovationSelectOptions): Tensor3D {
  const {window, capacity, overlap = false, queryOffset = 0, phase = 0} = options;
  const attrs = {window, capacity, overlap, queryOffset, phase};
  return runOp(innovationSelectOp, {scores}, attrs).positions as Tensor3D;
}
