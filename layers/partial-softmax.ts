// One softmax over the rows of two, from what each gives alone.

import type {Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {add, exp, expandDims, mul, neg, softplus, sub} from '@tensorflow/tfjs-core';

/** A softmax over some rows: the weighted values [B, L, H, Dh], and the logarithm of its normaliser [B, L, H]. */
export interface PartialSoftmax {
  readonly out: Tensor4D;
  readonly logSumExp: Tensor3D;
}

/**
 * The share of the second in the softmax over the rows of both, [B, L, H]: the logistic function of the difference of
 * logarithms. Written as exp(-softplus), whose gradient takes no constant from the host, so that a step can be recorded.
 */
export function secondShare(first: PartialSoftmax, second: PartialSoftmax): Tensor3D {
  return exp(neg(softplus(sub(first.logSumExp, second.logSumExp))));
}

/** The output of the softmax over the rows of both, [B, L, H, Dh]; exactly that of the first where the second has no share. */
export function joined(
  {out: first}: PartialSoftmax,
  {out: second}: PartialSoftmax,
  share: Tensor3D,
): Tensor4D {
  return add(first, mul(expandDims(share, 3), sub(second, first)));
}
