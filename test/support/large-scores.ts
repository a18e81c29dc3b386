// Scores so large that the logarithm of their normaliser, rounded to float32, is off by more than the exponential bears.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {grads, keep, mul, ones, randomNormal, reshape, tensor, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {Precision} from '../../custom-ops/index.js';
import {crossEntropy, memoryAttention, retrievedAttention} from '../../custom-ops/index.js';

/** Of q and k each: scores reach some 1e9, whose neighbours in float32 are 64 apart. */
const LARGE = 1e4;

interface Shape {
  readonly L: number;
  readonly H: number;
  readonly G: number;
  readonly Dh: number;
  readonly window: number;
  readonly me: number;
}

const shapes: readonly Shape[] = [
  {L: 70, H: 4, G: 2, Dh: 8, window: 8, me: 6},
  {L: 300, H: 2, G: 2, Dh: 32, window: 64, me: 16},
];

type Gradients = (inputs: Tensor[]) => Tensor[];

/** Gradients of the sum of all outputs, so that no query gives a value more than 1 and all of them no more than their number. */
async function checkGradients(
  words: string,
  gradients: Gradients,
  inputs: Tensor[],
  bounds: number[],
): Promise<void> {
  const found = tidy(() => gradients(inputs).map(gradient => keep(gradient)));
  for (const [i, gradient] of found.entries()) {
    const largest = Math.max(...Array.from(await gradient.data(), Math.abs)); // NaN if any is
    expect(largest, `${words}, input ${i}`).to.be.at.most(bounds[i]);
    gradient.dispose();
  }
  for (const input of inputs) input.dispose();
}

const rows = (seed: number, L: number, heads: number, Dh: number, scale: number): Tensor =>
  tidy(() => mul(randomNormal<Rank.R4>([1, L, heads, Dh], 0, 1, 'float32', seed), scale));

/** Every weight is at most 1: gradients of values are at most the queries' number, those of queries and keys follow from it. */
export async function checkLargeScores(precision: Precision = 'float32', scale = LARGE): Promise<void> {
  for (const {L, H, G, Dh, window, me} of shapes) {
    const chunks = Math.ceil(L / window);
    const stored = Array.from({length: chunks}, (_, c) =>
      Array.from({length: me}, (_, slot) => (slot < c * window ? (7 * slot) % (c * window) : -1)),
    );
    const positions = tensor(stored.flat(), [1, chunks, me], 'int32');
    const inputs = [
      rows(1, L, H, Dh, scale),
      ...[2, 3].map(seed => rows(seed, L, G, Dh, scale)),
      ...[4, 5].map(seed => rows(seed, L, G, Dh, 1)),
    ];
    const attend = ([q, k, kFading, v, vFading]: Tensor[]): Tensor =>
      memoryAttention({q, k, kFading, v, vFading, positions} as Parameters<typeof memoryAttention>[0], {
        window,
        fading: 'sliding',
        precision,
      });
    const queries = (L * H) / G;
    // Each of a query's keys may have a weight of 1 where rounding took the others': 2 w + me of them, each times what the
    // values of a row of ones come to.
    const ofScores = 2 * Dh * 5 * scale * 5 * (2 * window + me);
    await checkGradients(
      `memoryAttention L${L} Dh${Dh}`,
      values => grads((...given: Tensor[]) => attend(given))(values, ones([1, L, H, Dh])),
      inputs,
      [ofScores, ofScores * queries, ofScores * queries, queries, queries],
    );
    positions.dispose();
  }
}

/** As {@link checkLargeScores}, of rows that each query names. */
export async function checkLargeRetrieved(): Promise<void> {
  const [L, M, H, G, Dh, R] = [9, 20, 4, 2, 8, 5];
  const named = tensor(
    Array.from({length: L * G * R}, (_, i) => (11 * i) % M),
    [1, L, G, R],
    'int32',
  ) as Tensor<Rank.R4>;
  const inputs = [rows(1, L, H, Dh, LARGE), rows(2, M, G, Dh, LARGE), rows(3, M, G, Dh, 1)];
  const queries = (L * R * H) / G;
  const ofScores = 2 * Dh * 5 * LARGE * 5 * R;
  await checkGradients(
    'retrievedAttention',
    values =>
      grads(
        (q: Tensor, k: Tensor, v: Tensor) =>
          retrievedAttention({q, k, v, rows: named} as Parameters<typeof retrievedAttention>[0]).out,
      )(values, ones([1, L, H, Dh])),
    inputs,
    [ofScores, ofScores * queries, queries],
  );
  named.dispose();
}

/** As {@link checkLargeScores}, of logits; blocks of a kernel's lanes and what is left over. */
export async function checkLargeLogits(): Promise<void> {
  const [R, V] = [40, 67];
  const labels = tensor(
    Array.from({length: R}, (_, r) => (5 * r) % V),
    [R],
    'int32',
  ) as Tensor<Rank.R1>;
  const logits = tidy(() => reshape(mul(randomNormal([R * V], 0, 1, 'float32', 7), 1e9), [R, V]));
  await checkGradients(
    'crossEntropy',
    values =>
      grads((given: Tensor) => crossEntropy(given as Tensor<Rank.R2>, labels, {reduction: 'none'}))(
        values,
        ones([R]),
      ),
    [logits],
    [1],
  );
  labels.dispose();
}
