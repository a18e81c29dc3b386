import type {Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import type {RmsNormAttributes} from './attributes.js';
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
  return runOp(rmsNormOp, {x, gain}, attributes(options), ['passed']).y as Tensor3D;
}

/**
 * {@link rmsNorm} of an input that others read, too: they take `passed`, which is x itself, and their gradient is added to that
 * of x within the op, as for the residual stream of a pre-norm block.
 *
 * Shapes: x [B, L, D]; gain [D]; returns y and passed, both [B, L, D]. Differentiable in both.
 * Errors: ArgumentError on a wrong rank, size, dtype or epsilon. Source: arXiv 1910.07467.
 */
export function rmsNormPassing(
  x: Tensor3D,
  gain: Tensor1D,
  options: RmsNormOptions = {},
): {y: Tensor3D; passed: Tensor3D} {
  const {y, passed} = runOp(rmsNormOp, {x, gain}, attributes(options));
  return {y: y as Tensor3D, passed: passed as Tensor3D};
}

function attributes({epsilon = 1e-5}: RmsNormOptions): RmsNormAttributes {
  return {epsilon};
}
