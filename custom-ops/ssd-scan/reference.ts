// The state-space dual scan in plain loops: the definition (Dao and Gu 2024, arXiv 2405.21060; bias, softplus and bounds of
// step sizes as in Mamba-2).

import type {HostCall} from '../op.js';
import type {SsdScanAttributes} from './attributes.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The step size of a raw one, and its slope. */
function stepOf(raw: number, {deltaLeast, deltaMost}: SsdScanAttributes): {step: number; slope: number} {
  const free = softplus(raw);
  if (free < deltaLeast) return {step: deltaLeast, slope: 0};
  if (free > deltaMost) return {step: deltaMost, slope: 0};
  return {step: free, slope: sigmoid(raw)};
}

export function forward({inputs, outputs, dims, attrs}: HostCall<SsdScanAttributes>): void {
  const {x, delta, A, B: writes, C: reads, D, deltaBias, initialState} = inputs;
  const {y, finalState, chunkStates} = outputs;
  const {B, L, H, P, G, N, S, chunk: Q} = dims;
  const state = new Float64Array(P * N);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const group = Math.floor((h * G) / H);
      for (let i = 0; i < P * N; i++) state[i] = initialState?.[(b * H + h) * P * N + i] ?? 0;
      for (let t = 0; t < L; t++) {
        const at = (b * L + t) * H + h;
        const row = ((b * L + t) * G + group) * N;
        if (t % Q === 0) chunkStates.set(state, ((b * S + t / Q) * H + h) * P * N);
        const {step} = stepOf(delta[at] + (deltaBias?.[h] ?? 0), attrs);
        const decay = Math.exp(step * A[h]);
        for (let p = 0; p < P; p++) {
          let sum = (D?.[h] ?? 0) * x[at * P + p];
          for (let n = 0; n < N; n++) {
            state[p * N + n] = decay * state[p * N + n] + step * x[at * P + p] * writes[row + n];
            sum += state[p * N + n] * reads[row + n];
          }
          y[at * P + p] = sum;
        }
      }
      finalState.set(state, (b * H + h) * P * N);
    }
  }
}

/** Recomputes the states of one chunk from its saved start, then walks the chunk backwards. */
export function backward({inputs, outputs, dims, attrs}: HostCall<SsdScanAttributes>): void {
  const {x, delta, A, B: writes, C: reads, D, deltaBias, chunkStates, gradY, gradFinalState} = inputs;
  const {gradX, gradDelta, gradA, gradB, gradC, gradD, gradDeltaBias, gradInitialState} = outputs;
  const {B, L, H, P, G, N, S, chunk: Q} = dims;
  const states = new Float64Array((Q + 1) * P * N);
  const gradState = new Float64Array(P * N);
  const sums = {
    A: new Float64Array(H),
    B: new Float64Array(B * L * G * N),
    C: new Float64Array(B * L * G * N),
    D: new Float64Array(H),
    bias: new Float64Array(H),
  };
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const group = Math.floor((h * G) / H);
      for (let i = 0; i < P * N; i++) gradState[i] = gradFinalState[(b * H + h) * P * N + i];
      for (let chunk = S - 1; chunk >= 0; chunk--) {
        const begin = chunk * Q;
        const end = Math.min(L, begin + Q);
        const start = ((b * S + chunk) * H + h) * P * N;
        for (let i = 0; i < P * N; i++) states[i] = chunkStates[start + i];
        for (let t = begin; t < end; t++) {
          const at = (b * L + t) * H + h;
          const row = ((b * L + t) * G + group) * N;
          const {step} = stepOf(delta[at] + (deltaBias?.[h] ?? 0), attrs);
          const decay = Math.exp(step * A[h]);
          for (let i = 0; i < P * N; i++) {
            const write = step * x[at * P + Math.floor(i / N)] * writes[row + (i % N)];
            states[(t - begin + 1) * P * N + i] = decay * states[(t - begin) * P * N + i] + write;
          }
        }
        for (let t = end - 1; t >= begin; t--) {
          const at = (b * L + t) * H + h;
          const row = ((b * L + t) * G + group) * N;
          const {step, slope} = stepOf(delta[at] + (deltaBias?.[h] ?? 0), attrs);
          const decay = Math.exp(step * A[h]);
          let gradStep = 0;
          let gradDecay = 0;
          for (let p = 0; p < P; p++) {
            const own = at * P + p;
            let gradInput = (D?.[h] ?? 0) * gradY[own];
            sums.D[h] += gradY[own] * x[own];
            for (let n = 0; n < N; n++) {
              const i = p * N + n;
              const before = states[(t - begin) * P * N + i];
              sums.C[row + n] += gradY[own] * states[(t - begin + 1) * P * N + i];
              const g = gradState[i] + gradY[own] * reads[row + n];
              gradDecay += g * before;
              gradStep += g * x[own] * writes[row + n];
              sums.B[row + n] += g * step * x[own];
              gradInput += g * step * writes[row + n];
              gradState[i] = g * decay;
            }
            gradX[own] = gradInput;
          }
          const gradLog = gradDecay * decay;
          sums.A[h] += gradLog * step;
          gradDelta[at] = (gradStep + gradLog * A[h]) * slope;
          sums.bias[h] += gradDelta[at];
        }
      }
      gradInitialState?.set(gradState, (b * H + h) * P * N);
    }
  }
  gradA.set(sums.A);
  gradB.set(sums.B);
  gradC.set(sums.C);
  gradD?.set(sums.D);
  gradDeltaBias?.set(sums.bias);
}
