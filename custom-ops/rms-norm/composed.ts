import {add, mean, mul, rsqrt, scalar, square} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';
import type {RmsNormAttributes} from './attributes.js';

export function composed({x, gain}: NamedTensors, {epsilon}: RmsNormAttributes): NamedTensors {
  const scale = rsqrt(add(mean(square(x), -1, true), scalar(epsilon)));
  return {y: mul(mul(x, scale), gain)};
}
