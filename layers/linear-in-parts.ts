// A linear map whose columns are several results.

import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {split} from '@tensorflow/tfjs-core';
import type {LinearOptions} from '../custom-ops/index.js';
import {linear, linearPassing} from '../custom-ops/index.js';
import type {Precision} from '../custom-ops/precision.js';
import type {Matrix} from './half-matrix.js';
import {HalfMatrix, multiply} from './half-matrix.js';

/** `multiply`, or `multiplyPassing` where others read x, too. */
export type LinearMap<T> = (
  x: Tensor3D,
  weight: Matrix,
  bias: Tensor1D | undefined,
  options: LinearOptions,
) => T;

/** The results of x W + b, x [B, L, D], by their widths: the smaller of weight and activations is cut, not both. */
export function linearInParts(
  x: Tensor3D,
  weight: Matrix,
  bias: Tensor1D | undefined,
  widths: number[],
  precision: Precision,
): Tensor3D[] {
  const [batch, length, width] = x.shape;
  if (weight instanceof HalfMatrix || batch * length < width)
    return split(multiply(x, weight, bias, {precision}), widths, 2) as Tensor3D[];
  // Gradients of a split are joined; those of slices would be padded with zeros and added up.
  const biases = bias === undefined ? [] : (split(bias, widths) as Tensor1D[]);
  const results: Tensor3D[] = [];
  let input = x;
  for (const [i, part] of (split(weight, widths, 1) as Tensor2D[]).entries()) {
    if (i === widths.length - 1) results.push(linear(input, part, biases[i], {precision}));
    else {
      const {y, passed} = linearPassing(input, part, biases[i], {precision});
      results.push(y);
      input = passed;
    }
  }
  return results;
}
