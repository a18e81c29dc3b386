// A softmax over the rows that each query names, in plain loops: the definition.

import type {Attributes, HostArray, HostCall} from '../op.js';
import {NO_ROWS} from './no-rows.js';

interface HeadVisit {
  /** Flat index of the query head's first element in q and out. */
  readonly queryAt: number;
  /** Index into logSumExp [B, L, H]. */
  readonly headAt: number;
  /** Flat index of the first element of each row that the query names. */
  readonly keyAt: readonly number[];
}

function forEachHead({inputs, dims}: HostCall<Attributes>, visit: (head: HeadVisit) => void): void {
  const {B, L, M, H, G, Dh, R} = dims;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < L; t++) {
      for (let h = 0; h < H; h++) {
        const group = Math.floor((h * G) / H);
        const first = ((b * L + t) * G + group) * R;
        const named = [...inputs.rows.subarray(first, first + R)].filter(row => row >= 0);
        const headAt = (b * L + t) * H + h;
        const keyAt = named.map(row => ((b * M + row) * G + group) * Dh);
        visit({queryAt: headAt * Dh, headAt, keyAt});
      }
    }
  }
}

function product(a: HostArray, aAt: number, b: HostArray, bAt: number, width: number): number {
  let sum = 0;
  for (let d = 0; d < width; d++) sum += a[aAt + d] * b[bAt + d];
  return sum;
}

function softmax(scores: readonly number[]): {weights: number[]; logSumExp: number} {
  if (scores.length === 0) return {weights: [], logSumExp: NO_ROWS};
  const largest = Math.max(...scores);
  const logSumExp = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
  return {weights: scores.map(score => Math.exp(score - logSumExp)), logSumExp};
}

export function forward(call: HostCall<Attributes>): void {
  const {q, k, v} = call.inputs;
  const {out, logSumExp} = call.outputs;
  const {Dh} = call.dims;
  forEachHead(call, ({queryAt, headAt, keyAt}) => {
    const parts = softmax(keyAt.map(at => product(q, queryAt, k, at, Dh) / Math.sqrt(Dh)));
    logSumExp[headAt] = parts.logSumExp;
    for (let d = 0; d < Dh; d++)
      out[queryAt + d] = keyAt.reduce((sum, at, r) => sum + parts.weights[r] * v[at + d], 0);
  });
}

export function backward(call: HostCall<Attributes>): void {
  const {q, k, v, gradOut, gradLogSumExp} = call.inputs;
  const {gradQ, gradK, gradV} = call.outputs;
  const {Dh} = call.dims;
  const keySums = new Float64Array(gradK.length);
  const valueSums = new Float64Array(gradV.length);
  forEachHead(call, ({queryAt, headAt, keyAt}) => {
    const {weights} = softmax(keyAt.map(at => product(q, queryAt, k, at, Dh) / Math.sqrt(Dh)));
    const gradWeights = keyAt.map(at => product(gradOut, queryAt, v, at, Dh));
    const mean = weights.reduce((sum, weight, r) => sum + weight * gradWeights[r], 0);
    // The weights are the slopes of the logarithm of their normaliser.
    const shift = gradLogSumExp[headAt] - mean;
    const gradQuery = new Float64Array(Dh);
    keyAt.forEach((at, r) => {
      const gradScore = (weights[r] * (gradWeights[r] + shift)) / Math.sqrt(Dh);
      for (let d = 0; d < Dh; d++) {
        gradQuery[d] += gradScore * k[at + d];
        keySums[at + d] += gradScore * q[queryAt + d];
        valueSums[at + d] += weights[r] * gradOut[queryAt + d];
      }
    });
    gradQ.set(gradQuery, queryAt);
  });
  gradK.set(keySums);
  gradV.set(valueSums);
}
