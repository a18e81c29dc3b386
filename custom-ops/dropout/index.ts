import type {Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import type {DropoutAttributes} from './attributes.js';
import {dropoutOp} from './definition.js';

/** Tensors of {@link dropout}: what is dropped from, and the seed of the mask. */
export interface DropoutInputs {
  /** [B, L, D]. */
  x: Tensor3D;
  /** [2], int32, any values: the same seed, rate and stream make the same mask on every backend. */
  seed: Tensor1D;
}

/**
 * Sets a share of the elements to zero and divides the others by the share that stays, so that the mean is kept.
 *
 * Shapes: x [B, L, D], seed [2] int32; returns [B, L, D]. Differentiable in x. `rate` in [0, 0.99]; `stream`, an integer
 * in [0, 2^24), tells the masks of one seed apart.
 * Errors: ArgumentError on a wrong rank, size, dtype, rate or stream. Source: Srivastava et al., JMLR 15 (2014).
 */
export function dropout(inputs: DropoutInputs, options: DropoutAttributes): Tensor3D {
  return runOp(dropoutOp, {...inputs}, {...options}).y as Tensor3D;
}
