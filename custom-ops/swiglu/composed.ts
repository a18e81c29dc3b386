import {mul, sigmoid} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';

export function composed({gate, up}: NamedTensors): NamedTensors {
  return {y: mul(mul(gate, sigmoid(gate)), up)};
}
