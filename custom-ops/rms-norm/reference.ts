// Root-mean-square normalisation in plain loops: the definition (Zhang and Sennrich 2019, arXiv 1910.07467).

import type {HostCall} from '../op.js';
import type {RmsNormAttributes} from './attributes.js';

export function forward({inputs, outputs, dims, attrs}: HostCall<RmsNormAttributes>): void {
  const {x, gain} = inputs;
  const {y, inverseRms} = outputs;
  const {B, L, D} = dims;
  for (let row = 0; row < B * L; row++) {
    let squares = 0;
    for (let d = 0; d < D; d++) squares += x[row * D + d] ** 2;
    const scale = 1 / Math.sqrt(squares / D + attrs.epsilon);
    inverseRms[row] = scale;
    for (let d = 0; d < D; d++) y[row * D + d] = x[row * D + d] * scale * gain[d];
  }
}

export function backward({inputs, outputs, dims}: HostCall<RmsNormAttributes>): void {
  const {x, gain, inverseRms, gradY} = inputs;
  const {gradX, gradGain} = outputs;
  const {B, L, D} = dims;
  const gainSums = new Float64Array(D);
  for (let row = 0; row < B * L; row++) {
    const scale = inverseRms[row];
    let projection = 0;
    for (let d = 0; d < D; d++) {
      const normed = x[row * D + d] * scale;
      projection += gradY[row * D + d] * gain[d] * normed;
      gainSums[d] += gradY[row * D + d] * normed;
    }
    for (let d = 0; d < D; d++) {
      const at = row * D + d;
      gradX[at] = scale * (gradY[at] * gain[d] - (x[at] * scale * projection) / D);
    }
  }
  gradGain.set(gainSums);
}
