// Training through time on WebGPU: captured steps that go on from the memory of the one before come to the bits of ordinary
// ones.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {CapturedStep} from '../../custom-ops/backends/webgpu/index.js';
import {memoryTokens} from '../../data/token-source.js';
import {createModel, LanguageModel} from '../../models/index.js';
import type {ActivationFormat} from '../../train/activation-formats.js';
import {languageWorkload} from '../../train/language-workload.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';
import {warnings} from './warnings.js';

/** Those of the other training tests, so that a GPU's shaders are compiled once for all of them. */
const sizes = {vocabSize: 32, dModel: 16, layers: 1, heads: 2, window: 8, eideticSlots: 8, stateSize: 4};

export interface SegmentsOptions {
  readonly context: number;
  readonly accumulate?: number;
  readonly recompute?: boolean;
  /** In what activations are kept. Default 'float32'. */
  readonly activations?: ActivationFormat;
  /** Segments of a text, each of which is a kind of its own. Default 2. */
  readonly segments?: number;
  /** Rows that queries retrieve. Default 0. */
  readonly storage?: number;
}

/** Losses and weights of a fresh model trained on text in segments of which each goes on from the one before. */
async function trained(
  {context, accumulate = 1, recompute, activations = 'float32', segments = 2, storage = 0}: SegmentsOptions,
  capture: boolean,
): Promise<{
  losses: number[];
  weights: Float32Array[];
  /** Steps that were replays of recorded commands. */
  replays: number;
}> {
  const text = Array.from({length: 900}, (_, i) => (i + 3 * Math.floor(i / 29)) % sizes.vocabSize);
  const source = memoryTokens([text], sizes.vocabSize, text.length);
  const task = languageWorkload(source, {context, segments, crossBorders: false});
  const layers = createModel({preset: 'bmojo', dropout: 0.2, storage, ...sizes});
  const model = new LanguageModel(layers, {recompute});
  const steps = 4 * segments;
  const settings = parseTrainSettings({
    batch: 4,
    steps,
    rate: 5e-3,
    warmup: 0,
    capture,
    accumulate,
    activations,
  });
  const losses: number[] = [];
  let replays = 0;
  const {dispose} = CapturedStep.prototype;
  CapturedStep.prototype.dispose = function (this: CapturedStep) {
    replays = this.replays;
    dispose.call(this);
  };
  try {
    for await (const event of train({model, task, settings})) {
      if (event.type === 'step') losses.push(event.loss);
    }
  } finally {
    CapturedStep.prototype.dispose = dispose;
  }
  const weights: Float32Array[] = [];
  for (const {variable} of model.parameters()) weights.push((await variable.data<'float32'>()).slice());
  layers.dispose();
  return {losses, weights, replays};
}

/** Every kind of segment is replayed once: of its four steps the first three are not. */
export async function expectSameBitsInSegments(options: SegmentsOptions): Promise<void> {
  const before = memory().numTensors;
  const ordinary = await trained(options, false);
  let captured = ordinary;
  const printed = await warnings(async () => {
    captured = await trained(options, true);
  });
  expect(printed).to.deep.equal([]);
  expect([ordinary.replays, captured.replays]).to.deep.equal([0, options.segments ?? 2]);
  expect(captured.losses).to.deep.equal(ordinary.losses);
  expect(captured.weights).to.deep.equal(ordinary.weights);
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
}
