// The convolution from tf operations: shifted copies of the padded input, one for each tap.

import {add, addN, concat, mul, sigmoid, slice, zeros} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {CausalConvAttributes} from './attributes.js';

export function composed(
  {x, weight, bias, initialState}: NamedTensors,
  {activation}: CausalConvAttributes,
  {B, L, E, K}: Dims,
): NamedTensors {
  const padded = concat([initialState ?? zeros([B, K - 1, E]), x], 1);
  const taps = Array.from({length: K}, (_, i) =>
    mul(slice(padded, [0, i, 0], [B, L, E]), slice(weight, [i, 0], [1, E])),
  );
  const sum = bias === undefined ? addN(taps) : add(addN(taps), bias);
  const y = activation === 'silu' ? mul(sum, sigmoid(sum)) : sum;
  return {y, finalState: slice(padded, [0, L, 0], [B, K - 1, E])};
}
