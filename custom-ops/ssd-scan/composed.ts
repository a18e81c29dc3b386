// The scan from tf operations in its dual form: products of matrices within chunks, and a recurrence from chunk to chunk.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  clipByValue,
  cumsum,
  exp,
  expandDims,
  greaterEqual,
  matMul,
  mul,
  pad,
  range,
  reshape,
  slice,
  softplus,
  squeeze,
  stack,
  sub,
  transpose,
  unstack,
  zeros,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {SsdScanAttributes} from './attributes.js';
import {chunkOf, NO_MOST} from './attributes.js';

/**
 * [B, L, H, ..] or [B, L, G, ..] in chunks of Q tokens: [B G, S, Q, inner], where `inner` are sizes of what belongs to a
 * token of a group. Tokens beyond L are zeros: with a step size of 0 they neither decay nor write.
 */
function chunked(x: Tensor, {B, L, G}: Dims, Q: number, inner: readonly number[]): Tensor {
  const S = Math.ceil(L / Q);
  const flat = reshape(x, [B, L, G, inner.reduce((product, size) => product * size, 1)]);
  const padded =
    S * Q === L
      ? flat
      : pad(flat, [
          [0, 0],
          [0, S * Q - L],
          [0, 0],
          [0, 0],
        ]);
  return reshape(transpose(padded, [0, 2, 1, 3]), [B * G, S, Q, ...inner]);
}

export function composed(
  {x, delta, A, B: writes, C: reads, D, deltaBias, initialState}: NamedTensors,
  {deltaLeast, deltaMost, precision}: SsdScanAttributes,
  dims: Dims,
): NamedTensors {
  const {B, L, H, P, G, N} = dims;
  const [R, Q] = [H / G, Math.min(L, chunkOf({precision}))];
  const S = Math.ceil(L / Q);
  const positive = softplus(deltaBias === undefined ? delta : add(delta, deltaBias));
  const isBounded = deltaLeast > 0 || deltaMost < NO_MOST;
  const steps = isBounded ? clipByValue(positive, deltaLeast, deltaMost) : positive;

  const inputs = chunked(mul(x, expandDims(steps, 3)), dims, Q, [R, P]);
  const byToken = (values: Tensor): Tensor => reshape(values, [B * G, S, Q, R * P]);
  const [written, read] = [writes, reads].map(shared => chunked(shared, dims, Q, [N]));
  const decays = cumsum(transpose(chunked(mul(steps, A), dims, Q, [R]), [0, 1, 3, 2]), 3); // logs, [B G, S, R, Q]

  // Within chunks: (C B^T o decays from j to i) x.
  const between = sub(expandDims(decays, 4), expandDims(decays, 3)); // [B G, S, R, Q, Q]
  const rows = reshape(range(0, Q), [Q, 1]);
  const isPast = cast(greaterEqual(rows, reshape(range(0, Q), [1, Q])), 'float32');
  // Twice, since the decays of what is to come are the inverse of decays, and too large for some floats.
  const kept = mul(exp(mul(between, isPast)), isPast);
  const scores = mul(expandDims(matMul(read, written, false, true), 2), kept);
  const heads = transpose(inputs, [0, 1, 3, 2, 4]); // [B G, S, R, Q, P]
  const within = transpose(matMul(scores, heads), [0, 1, 3, 2, 4]); // [B G, S, Q, R, P]

  // What each chunk adds to the state, [B G, S, R P, N], and the states before all of them.
  const total = slice(decays, [0, 0, 0, Q - 1], [B * G, S, R, 1]);
  const onTheWay = (logs: Tensor): Tensor => expandDims(transpose(exp(logs), [0, 1, 3, 2]), 4); // [B G, S, Q, R, 1]
  const added = matMul(byToken(mul(inputs, onTheWay(sub(total, decays)))), written, true, false);
  const [ends, fades] = [
    reshape(added, [B * G, S, R, P * N]),
    exp(total), // [B G, S, R, 1]
  ].map(all => (S === 1 ? [squeeze(all, [1])] : unstack(all, 1)));
  let state: Tensor =
    initialState === undefined ? zeros([B * G, R, P * N]) : reshape(initialState, [B * G, R, P * N]);
  const starts: Tensor[] = [];
  for (let s = 0; s < S; s++) {
    starts.push(state);
    state = add(mul(fades[s], state), ends[s]);
  }
  const before = reshape(stack(starts, 1), [B * G, S, R * P, N]);
  const fromBefore = mul(reshape(matMul(read, before, false, true), [B * G, S, Q, R, P]), onTheWay(decays));

  const joined = reshape(add(within, fromBefore), [B, G, S * Q, R * P]);
  const all = reshape(transpose(joined, [0, 2, 1, 3]), [B, S * Q, H, P]);
  const y = S * Q === L ? all : slice(all, [0, 0, 0, 0], [B, L, H, P]);
  return {
    y: D === undefined ? y : add(y, mul(x, expandDims(D, 1))),
    finalState: reshape(state, [B, H, P, N]),
  };
}
