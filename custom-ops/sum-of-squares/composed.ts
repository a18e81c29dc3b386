import {square, sum} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';

export function composed({x}: NamedTensors): NamedTensors {
  return {y: sum(square(x))};
}
