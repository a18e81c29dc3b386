import type {Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {retrievedAttentionOp} from './definition.js';

/** Tensors of {@link retrievedAttention}: queries, and the rows that each names. */
export interface RetrievedAttentionInputs {
  /** Queries, [B, L, H, Dh]. */
  q: Tensor4D;
  /** Keys and values of every row, [B, M, G, Dh]; G divides H. */
  k: Tensor4D;
  v: Tensor4D;
  /** Rows that a query sees, the same for all heads of a group, int32 [B, L, G, R]; -1 where a place is empty. */
  rows: Tensor4D;
}

/** Output and normaliser of the softmax over named rows, as {@link retrievedAttention} returns them. */
export interface RetrievedAttentionResult {
  /** Weighted sums of the values, [B, L, H, Dh]; zeros for a query without rows. */
  out: Tensor4D;
  /** Logarithm of the sum of the scores' exponentials, [B, L, H]; -10,000 for a query without rows. */
  logSumExp: Tensor3D;
}

/**
 * Attention of each query over the rows that it names, R at most, such as those that {@link exactSearch} finds; scale
 * Dh^-0.5, head h reads group floor(h G / H).
 *
 * Returns out [B, L, H, Dh] and logSumExp [B, L, H], by which the rows join another softmax, see
 * {@link memoryAttentionWithLogSumExp}; differentiable in q, k and v through both. A row named twice counts twice.
 * Errors: ArgumentError on wrong sizes, and, where memory is readable, on rows out of range.
 */
export function retrievedAttention(inputs: RetrievedAttentionInputs): RetrievedAttentionResult {
  const {out, logSumExp} = runOp(retrievedAttentionOp, {...inputs}, {});
  return {out: out as Tensor4D, logSumExp: logSumExp as Tensor3D};
}
