// What the tensorflow backend is measured on: the scan, the attention and a whole training step.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {dispose, grads, randomNormal, randomUniform, tidy} from '@tensorflow/tfjs-core';
import {innovationSelect, memoryAttention, selectiveScan} from '../custom-ops/index.js';
import {createMqar} from '../data/mqar.js';
import {LanguageModel} from '../models/language-model.js';
import {train} from '../train/loop.js';
import {parseTrainSettings} from '../train/settings.js';

export interface Workload {
  /** Does the work once, to the end. */
  run(): Promise<void>;
  dispose(): void;
}

export const scanSizes = {B: 4, L: 512, E: 256, N: 16} as const;
export const attentionSizes = {B: 4, L: 2048, H: 8, Dh: 64, window: 256, slots: 32} as const;
export const mqarSizes = {
  batch: 32,
  length: 256,
  pairs: 16,
  vocabulary: 512,
  width: 64,
  layers: 2,
  heads: 2,
  window: 32,
  slots: 32,
} as const;

/** Waits for the last of the results and lets all go. */
async function finish(results: Tensor | Tensor[]): Promise<void> {
  const list = Array.isArray(results) ? results : [results];
  await list[list.length - 1].data();
  dispose(list);
}

/** selectiveScan forward and backward, all of z, D and deltaBias in it. */
export function scanWorkload(): Workload {
  const {B, L, E, N} = scanSizes;
  const shapes = [[B, L, E], [B, L, E], [E, N], [B, L, N], [B, L, N], [E], [B, L, E], [E]];
  const inputs = shapes.map((shape, i) => (i === 2 ? randomUniform(shape, -3.2, -0.2) : randomNormal(shape)));
  const cotangent = randomNormal([B, L, E]);
  const y = (...[u, delta, A, b, c, D, z, deltaBias]: Tensor[]): Tensor =>
    selectiveScan(
      {
        u: u as Tensor3D,
        delta: delta as Tensor3D,
        A: A as Tensor2D,
        B: b as Tensor3D,
        C: c as Tensor3D,
        D: D as Tensor1D,
        z: z as Tensor3D,
        deltaBias: deltaBias as Tensor1D,
      },
      {deltaSoftplus: true},
    ).y;
  const gradient = grads(y);
  return {
    run: () => finish(tidy(() => gradient(inputs, cotangent))),
    dispose: () => dispose([...inputs, cotangent]),
  };
}

/** memoryAttention over window, fading and stored tokens. */
export function attentionWorkload(withGradient: boolean): Workload {
  const {B, L, H, Dh, window, slots} = attentionSizes;
  const inputs = Array.from({length: 5}, () => randomNormal([B, L, H, Dh]));
  const cotangent = randomNormal([B, L, H, Dh]);
  const positions = tidy(() =>
    innovationSelect(randomUniform([B, L]) as Tensor2D, {window, capacity: slots, overlap: false}),
  );
  const out = (...[q, k, v, kFading, vFading]: Tensor[]): Tensor =>
    memoryAttention(
      {
        q: q as Tensor4D,
        k: k as Tensor4D,
        v: v as Tensor4D,
        kFading: kFading as Tensor4D,
        vFading: vFading as Tensor4D,
        positions,
      },
      {window, fading: 'sliding'},
    );
  const gradient = grads(out);
  return {
    run: () => finish(tidy(() => (withGradient ? gradient(inputs, cotangent) : out(...inputs)))),
    dispose: () => dispose([...inputs, cotangent, positions]),
  };
}

/** One AdamW step of a B'MOJO model without MLP on MQAR. */
export function mqarWorkload(): Workload {
  const {batch, length, pairs, vocabulary, width, layers, heads, window, slots} = mqarSizes;
  const model = LanguageModel.create({
    vocabSize: vocabulary,
    dModel: width,
    layers,
    heads,
    window,
    eideticSlots: slots,
  });
  const task = createMqar({vocabSize: vocabulary, length, pairs});
  const events = train({
    model,
    task,
    settings: parseTrainSettings({batch, steps: 100_000, evalEvery: 100_000, checkpointEvery: 100_000}),
  });
  return {
    // A step's numbers come while the next is computed: the time between two of them is one step's.
    run: async () => {
      for (;;) {
        const {value, done} = await events.next();
        if (done || value.type === 'step') return;
      }
    },
    dispose: () => {
      void events.return();
      model.model.dispose();
    },
  };
}
