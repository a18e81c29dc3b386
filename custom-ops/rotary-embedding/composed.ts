import {add, concat, mul, reshape, split, sub} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors} from '../op.js';

export function composed({x, cosSin}: NamedTensors, _attrs: Attributes, {L, Dh}: Dims): NamedTensors {
  const [cosine, sine] = split(reshape(cosSin, [1, L, 1, Dh]), 2, -1);
  const [first, second] = split(x, 2, -1);
  const y = [sub(mul(first, cosine), mul(second, sine)), add(mul(first, sine), mul(second, cosine))];
  return {y: concat(y, -1)};
}
