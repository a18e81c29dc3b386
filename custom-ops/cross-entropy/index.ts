import type {Scalar, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {cast, div, maximum, notEqual, scalar, sum, tidy} from '@tensorflow/tfjs-core';
import {checkOneOf} from '../check.js';
import {runOp} from '../run.js';
import {crossEntropyOp} from './definition.js';

/** Options of {@link crossEntropy}; defaults stand beside each. */
export interface CrossEntropyOptions {
  /** Rows with this label cost nothing. Default -100. */
  ignoreIndex?: number;
  /** `mean`: over the labelled rows, 0 when there is none; `none`: one loss a row. Default `mean`. */
  reduction?: 'mean' | 'none';
}

/**
 * Cross-entropy, in nats, of integer labels from logits.
 *
 * Shapes: logits [R, V]; labels [R] int32 in [0, V) or ignoreIndex; returns a scalar, or [R] without reduction.
 * Differentiable in logits. Errors: ArgumentError on a wrong rank, size, dtype, option, or a label out of range
 * (where memory can be read at once: cpu and wasm; elsewhere it costs NaN).
 */
export function crossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  options?: CrossEntropyOptions & {reduction?: 'mean'},
): Scalar;
export function crossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  options: CrossEntropyOptions & {reduction: 'none'},
): Tensor1D;
export function crossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  options: CrossEntropyOptions = {},
): Scalar | Tensor1D {
  const {ignoreIndex = -100, reduction = 'mean'} = options;
  checkOneOf('crossEntropy', 'reduction', reduction, ['mean', 'none']);
  return tidy(() => {
    const losses = runOp(crossEntropyOp, {logits, labels}, {ignoreIndex}).losses as Tensor1D;
    if (reduction === 'none') return losses;
    const labelled = sum(cast(notEqual(labels, scalar(ignoreIndex, 'int32')), 'float32'));
    return div<Scalar>(sum(losses), maximum(labelled, scalar(1)));
  });
}
