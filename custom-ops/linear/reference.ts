// A matrix product for every token in plain loops: the definition. `weightAt` is the only difference between the two
// layouts of the weight.

import type {HostCall} from '../op.js';
import type {LinearAttributes} from './attributes.js';

type WeightAt = (d: number, e: number, D: number, E: number) => number;

export function forwardWith(weightAt: WeightAt): (call: HostCall<LinearAttributes>) => void {
  return ({inputs: {x, weight, bias}, outputs: {y}, dims: {B, L, D, E}}) => {
    for (let row = 0; row < B * L; row++) {
      for (let e = 0; e < E; e++) {
        let total = bias === undefined ? 0 : bias[e];
        for (let d = 0; d < D; d++) total += x[row * D + d] * weight[weightAt(d, e, D, E)];
        y[row * E + e] = total;
      }
    }
  };
}

export function backwardWith(weightAt: WeightAt): (call: HostCall<LinearAttributes>) => void {
  return ({inputs: {x, weight, gradY}, outputs: {gradX, gradWeight, gradBias}, dims: {B, L, D, E}}) => {
    for (let e = 0; e < E; e++) {
      for (let d = 0; d < D; d++) {
        let total = 0;
        for (let row = 0; row < B * L; row++) total += x[row * D + d] * gradY[row * E + e];
        gradWeight[weightAt(d, e, D, E)] = total;
      }
      if (gradBias === undefined) continue;
      let total = 0;
      for (let row = 0; row < B * L; row++) total += gradY[row * E + e];
      gradBias[e] = total;
    }
    for (let row = 0; row < B * L; row++) {
      for (let d = 0; d < D; d++) {
        let total = 0;
        for (let e = 0; e < E; e++) total += gradY[row * E + e] * weight[weightAt(d, e, D, E)];
        gradX[row * D + d] = total;
      }
    }
  };
}
