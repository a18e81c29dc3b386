import type {Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {rmsNormOp} from './definition.js';

/** Options of {@link rmsNorm}, all of which may be left out. */
export interface RmsNormOptions {
  /** Added to the mean square before the root. Default 1e-5. */
  epsilon?: number;
}

/**
 * Divides every token by its root mean square over channels and multiplies by a gain.
 *
 * Shapes: x [B, L, D]; gain [D]; returns [B, L, D]. Differentiable in both.
 * Errors: ArgumentError on a wrong rank, size, dtype or epsilon. Source: arXiv 1910.07467.
 */
export function rmsNorm(x: Tensor3D, gain: Tensor1D, options: RmsNormOptions = {}): Tensor3D {
  return runOp(rmsNormOp, {x, gain}, {epsilon: options.epsilon ?? 1e-5}).y as Tensor3D;
}
