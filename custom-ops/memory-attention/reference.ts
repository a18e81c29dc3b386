// One softmax over window, fading and stored tokens, in plain loops: the definition.

import type {Dims, HostArray, HostCall} from '../op.js';
import type {MemoryAttentionAttributes} from './attributes.js';
import {chunkOf, fadingRows, windowRows} from './geometry.js';

interface SeenKey {
  readonly row: number;
  readonly fading: boolean;
}

/** Every key that query i of batch row b sees, stored ones last. */
function seenKeys(
  b: number,
  query: number,
  dims: Dims,
  attrs: MemoryAttentionAttributes,
  positions: HostArray | undefined,
): SeenKey[] {
  const keys: SeenKey[] = [];
  const near = windowRows(query, attrs);
  for (let row = near.begin; row < near.end; row++) keys.push({row, fading: false});
  const faded = fadingRows(query, attrs);
  for (let row = faded.begin; row < faded.end; row++) keys.push({row, fading: true});
  if (positions === undefined) return keys;
  const {C, me} = dims;
  const start = (b * C + chunkOf(query, attrs)) * me;
  for (let slot = 0; slot < me; slot++) {
    if (positions[start + slot] >= 0) keys.push({row: positions[start + slot], fading: false});
  }
  return keys;
}

/** Softmax weights of the seen keys for one query head, and the logarithm of their normaliser. */
function softmaxWeights(
  q: HostArray,
  queryAt: number,
  keys: readonly HostArray[],
  keyAt: readonly number[],
  width: number,
): {weights: Float64Array; logSumExp: number} {
  const scores = Float64Array.from(keys, (key, j) => {
    let score = 0;
    for (let d = 0; d < width; d++) score += q[queryAt + d] * key[keyAt[j] + d];
    return score / Math.sqrt(width);
  });
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  const logSumExp = largest + Math.log(total);
  return {weights: scores.map(score => Math.exp(score - logSumExp)), logSumExp};
}

interface HeadVisit {
  /** Flat index of the query head's first element in q and out. */
  readonly queryAt: number;
  /** Index into logSumExp [B, L, H]. */
  readonly headAt: number;
  readonly keys: readonly SeenKey[];
  /** Flat index of each key's first element. */
  readonly keyAt: readonly number[];
}

function forEachHead(
  {inputs, dims, attrs}: HostCall<MemoryAttentionAttributes>,
  visit: (head: HeadVisit) => void,
): void {
  const {B, L, M, H, G, Dh} = dims;
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < L; i++) {
      const keys = seenKeys(b, i, dims, attrs, inputs.positions);
      for (let h = 0; h < H; h++) {
        const group = Math.floor((h * G) / H);
        const headAt = (b * L + i) * H + h;
        const keyAt = keys.map(({row}) => ((b * M + row) * G + group) * Dh);
        visit({queryAt: headAt * Dh, headAt, keys, keyAt});
      }
    }
  }
}

export function forward(call: HostCall<MemoryAttentionAttributes>): void {
  const {q, k, v, kFading, vFading} = call.inputs;
  const {out, logSumExp} = call.outputs;
  const {Dh} = call.dims;
  forEachHead(call, ({queryAt, headAt, keys, keyAt}) => {
    const sources = keys.map(key => (key.fading ? kFading : k));
    const softmax = softmaxWeights(q, queryAt, sources, keyAt, Dh);
    logSumExp[headAt] = softmax.logSumExp;
    for (let d = 0; d < Dh; d++) {
      let sum = 0;
      keys.forEach((key, j) => {
        sum += softmax.weights[j] * (key.fading ? vFading : v)[keyAt[j] + d];
      });
      out[queryAt + d] = sum;
    }
  });
}

export function backward(call: HostCall<MemoryAttentionAttributes>): void {
  const {q, k, v, kFading, vFading, gradOut, gradLogSumExp} = call.inputs;
  const {gradQ, gradK, gradV, gradKFading, gradVFading} = call.outputs;
  const {Dh} = call.dims;
  const sums = {
    k: new Float64Array(gradK.length),
    v: new Float64Array(gradV.length),
    kFading: new Float64Array(gradKFading?.length ?? 0),
    vFading: new Float64Array(gradVFading?.length ?? 0),
  };
  forEachHead(call, ({queryAt, headAt, keys, keyAt}) => {
    const {weights} = softmaxWeights(
      q,
      queryAt,
      keys.map(key => (key.fading ? kFading : k)),
      keyAt,
      Dh,
    );
    // d loss / d weight of each key, and its mean under the softmax.
    const gradWeights = Float64Array.from(keys, (key, j) => {
      let sum = 0;
      for (let d = 0; d < Dh; d++) sum += gradOut[queryAt + d] * (key.fading ? vFading : v)[keyAt[j] + d];
      return sum;
    });
    const mean = weights.reduce((sum, weight, j) => sum + weight * gradWeights[j], 0);
    // The weights are the slopes of the logarithm of their normaliser.
    const shift = (gradLogSumExp?.[headAt] ?? 0) - mean;
    const gradQuery = new Float64Array(Dh);
    keys.forEach((key, j) => {
      const gradScore = (weights[j] * (gradWeights[j] + shift)) / Math.sqrt(Dh);
      const [keySums, valueSums] = key.fading ? [sums.kFading, sums.vFading] : [sums.k, sums.v];
      for (let d = 0; d < Dh; d++) {
        gradQuery[d] += gradScore * (key.fading ? kFading : k)[keyAt[j] + d];
        keySums[keyAt[j] + d] += gradScore * q[queryAt + d];
        valueSums[keyAt[j] + d] += weights[j] * gradOut[queryAt + d];
      }
    });
    gradQ.set(gradQuery, queryAt);
  });
  gradK.set(sums.k);
  gradV.set(sums.v);
  gradKFading?.set(sums.kFading);
  gradVFading?.set(sums.vFading);
}
