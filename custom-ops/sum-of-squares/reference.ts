import type {Attributes, HostCall} from '../op.js';

export function forward({inputs: {x}, outputs: {y}}: HostCall<Attributes>): void {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * x[i];
  y[0] = total;
}
