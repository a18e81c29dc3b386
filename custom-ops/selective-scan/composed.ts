// The scan from tf operations, one token after another on [B, E, N] slices.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  exp,
  expandDims,
  mul,
  sigmoid,
  softplus,
  squeeze,
  stack,
  sum,
  unstack,
  zeros,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {SelectiveScanAttributes} from './attributes.js';

export function composed(
  {u, delta, A, B: writes, C: reads, D, z, deltaBias, initialState}: NamedTensors,
  {deltaSoftplus}: SelectiveScanAttributes,
  {B, L, E, N}: Dims,
): NamedTensors {
  const biased = deltaBias === undefined ? delta : add(delta, deltaBias);
  const steps = deltaSoftplus ? softplus(biased) : biased;
  // Unstacked rather than sliced: the gradient of a slice is a padded copy of the whole sequence for every token.
  const [inputs, deltas, written, read] = [u, steps, writes, reads].map(x =>
    L === 1 ? [squeeze(x, [1])] : unstack(x, 1),
  );
  let state: Tensor = initialState ?? zeros([B, E, N]);
  const outputs: Tensor[] = [];
  for (let t = 0; t < L; t++) {
    const step = expandDims(deltas[t], 2);
    const write = mul(mul(step, expandDims(inputs[t], 2)), expandDims(written[t], 1));
    state = add(mul(exp(mul(step, A)), state), write);
    outputs.push(sum(mul(state, expandDims(read[t], 1)), 2));
  }
  const summed = stack(outputs, 1);
  const skipped = D === undefined ? summed : add(summed, mul(u, D));
  return {y: z === undefined ? skipped : mul(skipped, mul(z, sigmoid(z))), finalState: add(state, 0)};
}
