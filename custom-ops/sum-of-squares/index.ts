import type {Scalar} from '@tensorflow/tfjs-core';
import {Tensor} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {runTogether} from '../together.js';
import {sumOfSquaresOp} from './definition.js';

/**
 * The sum of the squares of all elements of a tensor, or of several, in an order that depends on their numbers alone; no
 * gradient flows through it.
 *
 * Shapes: x of any shape, several of any shapes; returns a scalar. The sums of several tensors are added up in their order;
 * on webgpu all take few commands together. Errors: ArgumentError on a wrong dtype, or without a tensor.
 */
export function sumOfSquares(x: Tensor | readonly Tensor[]): Scalar {
  const {y} =
    x instanceof Tensor
      ? runOp(sumOfSquaresOp, {x}, {})
      : runTogether(
          sumOfSquaresOp,
          x.map(one => ({x: one})),
          {},
        );
  return y as Scalar;
}
