import type {Scalar, Tensor} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {sumOfSquaresOp} from './definition.js';

/**
 * The sum of the squares of all elements, in an order that depends on their number alone; no gradient flows through it.
 *
 * Shapes: x of any shape; returns a scalar. Errors: ArgumentError on a wrong dtype.
 */
export function sumOfSquares(x: Tensor): Scalar {
  return runOp(sumOfSquaresOp, {x}, {}).y as Scalar;
}
