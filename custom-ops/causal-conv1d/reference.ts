// Depthwise causal convolution in plain loops: the definition. Steps before the first come from the initial state.

import type {HostCall} from '../op.js';
import type {CausalConvAttributes} from './attributes.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export function forward({inputs, outputs, dims, attrs}: HostCall<CausalConvAttributes>): void {
  const {x, weight, bias, initialState} = inputs;
  const {y, finalState} = outputs;
  const {B, L, E, K} = dims;
  for (let b = 0; b < B; b++) {
    const past = (t: number, e: number): number =>
      t >= 0 ? x[(b * L + t) * E + e] : (initialState?.[(b * (K - 1) + K - 1 + t) * E + e] ?? 0);
    for (let e = 0; e < E; e++) {
      for (let t = 0; t < L; t++) {
        let sum = bias?.[e] ?? 0;
        for (let i = 0; i < K; i++) sum += weight[i * E + e] * past(t - K + 1 + i, e);
        y[(b * L + t) * E + e] = attrs.activation === 'silu' ? sum * sigmoid(sum) : sum;
      }
      for (let i = 0; i < K - 1; i++) finalState[(b * (K - 1) + i) * E + e] = past(L - K + 1 + i, e);
    }
  }
}

export function backward({inputs, outputs, dims, attrs}: HostCall<CausalConvAttributes>): void {
  const {x, weight, bias, initialState, gradY, gradFinalState} = inputs;
  const {gradX, gradWeight, gradBias, gradInitialState} = outputs;
  const {B, L, E, K} = dims;
  const weightSums = new Float64Array(K * E);
  const biasSums = new Float64Array(E);
  const gradPast = new Float64Array(L + K - 1);
  for (let b = 0; b < B; b++) {
    const past = (t: number, e: number): number =>
      t >= 0 ? x[(b * L + t) * E + e] : (initialState?.[(b * (K - 1) + K - 1 + t) * E + e] ?? 0);
    for (let e = 0; e < E; e++) {
      // Index j of gradPast stands for step j - (K - 1).
      gradPast.fill(0);
      for (let i = 0; i < K - 1; i++) gradPast[L + i] = gradFinalState[(b * (K - 1) + i) * E + e];
      for (let t = 0; t < L; t++) {
        let g = gradY[(b * L + t) * E + e];
        if (attrs.activation === 'silu') {
          let sum = bias?.[e] ?? 0;
          for (let i = 0; i < K; i++) sum += weight[i * E + e] * past(t - K + 1 + i, e);
          const gate = sigmoid(sum);
          g *= gate * (1 + sum * (1 - gate));
        }
        biasSums[e] += g;
        for (let i = 0; i < K; i++) {
          weightSums[i * E + e] += g * past(t - K + 1 + i, e);
          gradPast[t + i] += g * weight[i * E + e];
        }
      }
      for (let t = 0; t < L; t++) gradX[(b * L + t) * E + e] = gradPast[t + K - 1];
      if (gradInitialState) {
        for (let i = 0; i < K - 1; i++) gradInitialState[(b * (K - 1) + i) * E + e] = gradPast[i];
      }
    }
  }
  gradWeight.set(weightSums);
  gradBias?.set(biasSums);
}
