// One AdamW step in plain loops, in place: the definition (arXiv 1711.05101; decay before the update, as PyTorch does).

import type {HostCall} from '../op.js';
import type {AdamWAttributes} from './attributes.js';

export function forward({inputs, dims, attrs}: HostCall<AdamWAttributes>): void {
  const {parameter, gradient, firstMoment, secondMoment, gradientScale, skipped} = inputs;
  const {learningRate, beta1, beta2, epsilon, weightDecay, step} = attrs;
  const scale = gradientScale === undefined ? 1 : gradientScale[0];
  if (Number.isNaN(scale)) return;
  const made = step - (skipped === undefined ? 0 : skipped[0]);
  const firstCorrection = 1 - beta1 ** made;
  const secondCorrection = 1 - beta2 ** made;
  for (let i = 0; i < dims['*']; i++) {
    const g = gradient[i] * scale;
    const m = beta1 * firstMoment[i] + (1 - beta1) * g;
    const v = beta2 * secondMoment[i] + (1 - beta2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    const direction = m / firstCorrection / (Math.sqrt(v / secondCorrection) + epsilon);
    parameter[i] = parameter[i] * (1 - learningRate * weightDecay) - learningRate * direction;
  }
}
