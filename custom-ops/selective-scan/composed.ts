// The scan from tf operations, one token after another on [B, E, N] slices.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  exp,
  expandDims,
  mul,
  reshape,
  sigmoid,
  slice,
  softplus,
  stack,
  sum,
  zeros,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {SelectiveScanAttributes} from './definition.js';

export function composed(
  {u, delta, A, B: writes, C: reads, D, z, deltaBias, initialState}: NamedTensors,
  {deltaSoftplus}: SelectiveScanAttributes,
  {B, L, E, N}: Dims,
): NamedTensors {
  const biased = deltaBias === undefined ? delta : add(delta, deltaBias);
  const steps = deltaSoftplus ? softplus(biased) : biased;
  const token = (x: Tensor, t: number, size: number): Tensor =>
    reshape(slice(x, [0, t, 0], [B, 1, size]), [B, size]);
  let state: Tensor = initialState ?? zeros([B, E, N]);
  const outputs: Tensor[] = [];
  for (let t = 0; t < L; t++) {
    const step = expandDims(token(steps, t, E), 2);
    const write = mul(mul(step, expandDims(token(u, t, E), 2)), expandDims(token(writes, t, N), 1));
    state = add(mul(exp(mul(step, A)), state), write);
    outputs.push(sum(mul(state, expandDims(token(reads, t, N), 1)), 2));
  }
  const summed = stack(outputs, 1);
  const skipped = D === undefined ? summed : add(summed, mul(u, D));
  return {y: z === undefined ? skipped : mul(skipped, mul(z, sigmoid(z))), finalState: add(state, 0)};
}
