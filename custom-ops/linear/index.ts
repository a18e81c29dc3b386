import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import type {Precision} from '../precision.js';
import {runOp} from '../run.js';
import type {LinearAttributes} from './attributes.js';
import {linearOp, linearTransposedOp} from './definition.js';

/** Options of {@link linear} and {@link linearTransposed}; defaults stand beside each. */
export interface LinearOptions {
  /**
   * How products are computed, forwards and backwards: factors rounded to this format, sums in float32, tensors float32
   * throughout. A backend without it computes wider, in float32; the table of precisions in the README says which has what.
   * Default 'float32'.
   */
  readonly precision?: Precision;
}

const LEFT = ['passed'];

function attributes({precision = 'float32'}: LinearOptions = {}): LinearAttributes {
  return {precision};
}

/**
 * Multiplies every token by a weight matrix and adds a bias: y = x W + b.
 *
 * Shapes: x [B, L, D]; weight [D, E]; bias [E], optional; returns [B, L, E]. Differentiable in all three.
 * Errors: ArgumentError on a wrong rank, size, dtype or precision.
 */
export function linear(x: Tensor3D, weight: Tensor2D, bias?: Tensor1D, options?: LinearOptions): Tensor3D {
  return runOp(linearOp, {x, weight, bias}, attributes(options), LEFT).y as Tensor3D;
}

/**
 * {@link linear} of an input that others read, too: they take `passed`, which is x itself, and their gradient is added to that
 * of x within the product, where each further use of x would cost an addition of its own.
 *
 * Shapes: x [B, L, D]; weight [D, E]; bias [E], optional; returns y [B, L, E] and passed [B, L, D]. Differentiable in all three.
 * Errors: ArgumentError on a wrong rank, size, dtype or precision.
 */
export function linearPassing(
  x: Tensor3D,
  weight: Tensor2D,
  bias?: Tensor1D,
  options?: LinearOptions,
): {y: Tensor3D; passed: Tensor3D} {
  const {y, passed} = runOp(linearOp, {x, weight, bias}, attributes(options));
  return {y: y as Tensor3D, passed: passed as Tensor3D};
}

/**
 * {@link linear} with the weight stored transposed, as an output head tied to an embedding table has it: y = x W^T + b.
 *
 * Shapes: x [B, L, D]; weight [E, D]; bias [E], optional; returns [B, L, E]. Differentiable in all three.
 * Errors: ArgumentError on a wrong rank, size, dtype or precision.
 */
export function linearTransposed(
  x: Tensor3D,
  weight: Tensor2D,
  bias?: Tensor1D,
  options?: LinearOptions,
): Tensor3D {
  return runOp(linearTransposedOp, {x, weight, bias}, attributes(options), LEFT).y as Tensor3D;
}
