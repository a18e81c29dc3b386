// Cross-entropy of integer labels from logits in plain loops: the definition. Rows labelled ignoreIndex cost nothing.

import type {HostCall} from '../op.js';
import type {CrossEntropyAttributes} from './attributes.js';

export function forward({inputs, outputs, dims, attrs}: HostCall<CrossEntropyAttributes>): void {
  const {logits, labels} = inputs;
  const {losses, logSumExp} = outputs;
  const {R, V} = dims;
  for (let row = 0; row < R; row++) {
    let peak = -Infinity;
    for (let v = 0; v < V; v++) peak = Math.max(peak, logits[row * V + v]);
    let total = 0;
    for (let v = 0; v < V; v++) total += Math.exp(logits[row * V + v] - peak);
    logSumExp[row] = peak + Math.log(total);
    const label = labels[row];
    losses[row] = label === attrs.ignoreIndex ? 0 : peak - logits[row * V + label] + Math.log(total);
  }
}

export function backward({inputs, outputs, dims, attrs}: HostCall<CrossEntropyAttributes>): void {
  const {logits, labels, logSumExp, gradLosses} = inputs;
  const {gradLogits} = outputs;
  const {R, V} = dims;
  for (let row = 0; row < R; row++) {
    const label = labels[row];
    for (let v = 0; v < V; v++) {
      // No probability is above 1, however coarsely the logarithm of the normaliser of large logits was stored.
      const probability = Math.exp(Math.min(logits[row * V + v] - logSumExp[row], 0));
      const gradient = gradLosses[row] * (probability - (v === label ? 1 : 0));
      gradLogits[row * V + v] = label === attrs.ignoreIndex ? 0 : gradient;
    }
  }
}
