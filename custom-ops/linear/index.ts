import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {linearOp, linearTransposedOp} from './definition.js';

/**
 * Multiplies every token by a weight matrix and adds a bias: y = x W + b.
 *
 * Shapes: x [B, L, D]; weight [D, E]; bias [E], optional; returns [B, L, E]. Differentiable in all three.
 * Errors: ArgumentError on a wrong rank, size or dtype.
 */
export function linear(x: Tensor3D, weight: Tensor2D, bias?: Tensor1D): Tensor3D {
  return runOp(linearOp, {x, weight, bias}, {}).y as Tensor3D;
}

/**
 * {@link linear} with the weight stored transposed, as an output head tied to an embedding table has it: y = x W^T + b.
 *
 * Shapes: x [B, L, D]; weight [E, D]; bias [E], optional; returns [B, L, E]. Differentiable in all three.
 * Errors: ArgumentError on a wrong rank, size or dtype.
 */
export function linearTransposed(x: Tensor3D, weight: Tensor2D, bias?: Tensor1D): Tensor3D {
  return runOp(linearTransposedOp, {x, weight, bias}, {}).y as Tensor3D;
}
