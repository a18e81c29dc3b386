// How far each fading token lies from the average of those before it, in plain loops: the definition.

import type {HostCall} from '../op.js';
import type {InnovationScoresAttributes} from './attributes.js';

/** Weights 2^-1 ... 2^-steps, renormalised to sum 1. */
export function predictorWeights(steps: number): number[] {
  const total = 1 - 2 ** -steps;
  return Array.from({length: steps}, (_, i) => 2 ** -(i + 1) / total);
}

export function forward({inputs, outputs, dims, attrs}: HostCall<InnovationScoresAttributes>): void {
  const {y} = inputs;
  const {scores} = outputs;
  const {B, L, D} = dims;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < L; t++) {
      const weights = predictorWeights(Math.min(t, attrs.span));
      let squares = 0;
      for (let d = 0; d < D; d++) {
        let error = y[(b * L + t) * D + d];
        weights.forEach((weight, i) => {
          error -= weight * y[(b * L + t - 1 - i) * D + d];
        });
        squares += error * error;
      }
      scores[b * L + t] = Math.sqrt(squares);
    }
  }
}
