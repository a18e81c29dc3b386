// SiLU(gate) * up, element by element: the definition (Shazeer 2020, arXiv 2002.05202).

import type {Attributes, HostCall} from '../op.js';

export function forward({inputs: {gate, up}, outputs: {y}}: HostCall<Attributes>): void {
  for (let i = 0; i < y.length; i++) y[i] = (gate[i] / (1 + Math.exp(-gate[i]))) * up[i];
}

export function backward({inputs: {gate, up, gradY}, outputs}: HostCall<Attributes>): void {
  const {gradGate, gradUp} = outputs;
  for (let i = 0; i < gradY.length; i++) {
    const sigmoid = 1 / (1 + Math.exp(-gate[i]));
    gradUp[i] = gradY[i] * gate[i] * sigmoid;
    gradGate[i] = gradY[i] * up[i] * sigmoid * (1 + gate[i] * (1 - sigmoid));
  }
}
