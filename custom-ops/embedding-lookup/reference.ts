// Rows of a table by index in plain loops, and the sum of cotangents per row: the definition.

import type {Attributes, HostCall} from '../op.js';

export function forward({inputs: {table, ids}, outputs: {y}, dims: {B, L, D}}: HostCall<Attributes>): void {
  for (let token = 0; token < B * L; token++) {
    for (let d = 0; d < D; d++) y[token * D + d] = table[ids[token] * D + d];
  }
}

export function backward({inputs, outputs, dims: {B, L, D}}: HostCall<Attributes>): void {
  const {ids, gradY} = inputs;
  const {gradTable} = outputs;
  for (let token = 0; token < B * L; token++) {
    for (let d = 0; d < D; d++) gradTable[ids[token] * D + d] += gradY[token * D + d];
  }
}
