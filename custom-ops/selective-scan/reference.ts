// The selective scan in plain loops: the definition (Gu and Dao 2023, arXiv 2312.00752, order of operations as in its
// reference implementation: bias, softplus, recurrence, skip, gate).

import type {HostCall} from '../op.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export function forward({inputs, outputs, dims, attrs}: HostCall<SelectiveScanAttributes>): void {
  const {u, delta, A, B: writes, C: reads, D, z, deltaBias, initialState} = inputs;
  const {y, finalState, chunkStates} = outputs;
  const {B, L, E, N, S} = dims;
  const state = new Float64Array(N);
  for (let b = 0; b < B; b++) {
    for (let e = 0; e < E; e++) {
      for (let n = 0; n < N; n++) state[n] = initialState?.[(b * E + e) * N + n] ?? 0;
      for (let t = 0; t < L; t++) {
        const at = (b * L + t) * E + e;
        if (t % CHUNK === 0) chunkStates.set(state, ((b * S + t / CHUNK) * E + e) * N);
        const raw = delta[at] + (deltaBias?.[e] ?? 0);
        const step = attrs.deltaSoftplus ? softplus(raw) : raw;
        let sum = 0;
        for (let n = 0; n < N; n++) {
          const row = (b * L + t) * N + n;
          state[n] = Math.exp(step * A[e * N + n]) * state[n] + step * writes[row] * u[at];
          sum += state[n] * reads[row];
        }
        if (D) sum += D[e] * u[at];
        y[at] = z ? sum * z[at] * sigmoid(z[at]) : sum;
      }
      finalState.set(state, (b * E + e) * N);
    }
  }
}

/** Recomputes the states of one chunk from its saved start, then walks the chunk backwards. */
export function backward({inputs, outputs, dims, attrs}: HostCall<SelectiveScanAttributes>): void {
  const {u, delta, A, B: writes, C: reads, D, z, deltaBias, chunkStates, gradY, gradFinalState} = inputs;
  const {gradU, gradDelta, gradA, gradB, gradC, gradD, gradZ, gradDeltaBias, gradInitialState} = outputs;
  const {B, L, E, N, S} = dims;
  const states = new Float64Array((CHUNK + 1) * N);
  const gradState = new Float64Array(N);
  const sums = {
    A: new Float64Array(E * N),
    B: new Float64Array(B * L * N),
    C: new Float64Array(B * L * N),
    D: new Float64Array(E),
    bias: new Float64Array(E),
  };
  for (let b = 0; b < B; b++) {
    for (let e = 0; e < E; e++) {
      for (let n = 0; n < N; n++) gradState[n] = gradFinalState[(b * E + e) * N + n];
      for (let chunk = S - 1; chunk >= 0; chunk--) {
        const begin = chunk * CHUNK;
        const end = Math.min(L, begin + CHUNK);
        const start = ((b * S + chunk) * E + e) * N;
        for (let n = 0; n < N; n++) states[n] = chunkStates[start + n];
        for (let t = begin; t < end; t++) {
          const at = (b * L + t) * E + e;
          const raw = delta[at] + (deltaBias?.[e] ?? 0);
          const step = attrs.deltaSoftplus ? softplus(raw) : raw;
          for (let n = 0; n < N; n++) {
            const before = states[(t - begin) * N + n];
            const write = step * writes[(b * L + t) * N + n] * u[at];
            states[(t - begin + 1) * N + n] = Math.exp(step * A[e * N + n]) * before + write;
          }
        }
        for (let t = end - 1; t >= begin; t--) {
          const at = (b * L + t) * E + e;
          const raw = delta[at] + (deltaBias?.[e] ?? 0);
          const step = attrs.deltaSoftplus ? softplus(raw) : raw;
          let gradSum = gradY[at];
          if (z) {
            const gate = sigmoid(z[at]);
            let sum = (D?.[e] ?? 0) * u[at];
            for (let n = 0; n < N; n++) sum += states[(t - begin + 1) * N + n] * reads[(b * L + t) * N + n];
            gradZ[at] = gradY[at] * sum * gate * (1 + z[at] * (1 - gate));
            gradSum *= z[at] * gate;
          }
          let gradInput = D ? gradSum * D[e] : 0;
          sums.D[e] += gradSum * u[at];
          let gradStep = 0;
          for (let n = 0; n < N; n++) {
            const row = (b * L + t) * N + n;
            const before = states[(t - begin) * N + n];
            const decay = Math.exp(step * A[e * N + n]);
            sums.C[row] += gradSum * states[(t - begin + 1) * N + n];
            const g = gradState[n] + gradSum * reads[row];
            gradStep += g * (decay * before * A[e * N + n] + writes[row] * u[at]);
            sums.A[e * N + n] += g * decay * before * step;
            sums.B[row] += g * step * u[at];
            gradInput += g * step * writes[row];
            gradState[n] = g * decay;
          }
          const slope = attrs.deltaSoftplus ? sigmoid(raw) : 1;
          gradU[at] = gradInput;
          gradDelta[at] = gradStep * slope;
          sums.bias[e] += gradStep * slope;
        }
      }
      gradInitialState?.set(gradState, (b * E + e) * N);
    }
  }
  gradA.set(sums.A);
  gradB.set(sums.B);
  gradC.set(sums.C);
  gradD?.set(sums.D);
  gradDeltaBias?.set(sums.bias);
}
