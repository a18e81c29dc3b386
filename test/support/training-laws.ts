// Whole training steps of a B'MOJO model on a backend: as on the cpu backend, twice the same, and leaving nothing behind.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {Precision} from '../../custom-ops/precision.js';
import {createMqar} from '../../data/mqar.js';
import {createModel, LanguageModel} from '../../models/index.js';
import type {ActivationFormat} from '../../train/activation-formats.js';
import type {StepEvent} from '../../train/events.js';
import {train} from '../../train/loop.js';
import type {TrainSettings} from '../../train/settings.js';
import {parseTrainSettings} from '../../train/settings.js';
import {warnings} from './warnings.js';

const task = createMqar({vocabSize: 32, length: 32, pairs: 4});
/** Every training test has these sizes, so that a GPU's shaders are compiled once for all of them. */
const sizes = {vocabSize: 32, dModel: 16, layers: 2, heads: 2, window: 8, eideticSlots: 8, stateSize: 4};

/** Loss, accuracy and gradient norm of each step of a fresh model, and its weights at the end. */
export async function trained(
  settings: Partial<TrainSettings>,
  precision: Precision = 'float32',
): Promise<{events: StepEvent[]; weights: Float32Array[]}> {
  const layers = createModel({preset: 'bmojo', dropout: 0.2, precision, ...sizes});
  const model = new LanguageModel(layers);
  const events: StepEvent[] = [];
  for await (const event of train({model, task, settings: parseTrainSettings({batch: 4, ...settings})})) {
    if (event.type === 'step') events.push(event);
  }
  const weights: Float32Array[] = [];
  for (const {variable} of model.parameters()) weights.push((await variable.data<'float32'>()).slice());
  layers.dispose();
  return {events, weights};
}

/** The current backend takes the steps of the cpu backend, which is current afterwards. */
export async function expectTrainsAsOnCpu(): Promise<void> {
  const settings = {steps: 4, rate: 5e-3, warmup: 0};
  const before = memory().numTensors;
  const first = await trained(settings);
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
  expect(await trained(settings)).to.deep.equal(first);
  await useBackend('cpu');
  const expected = await trained(settings);
  expect(first.events).to.have.length(4);
  first.events.forEach((step, i) => {
    expect(step.loss).to.be.closeTo(expected.events[i].loss, 1e-4);
    expect(step.gradientNorm / expected.events[i].gradientNorm).to.be.closeTo(1, 1e-2);
  });
}

/** Steps that are recorded and replayed come to the bits of steps op by op, say nothing and leave no tensor behind. */
export async function expectSameBitsCaptured(
  steps: number,
  {
    precision,
    logitRows = 0,
    activations = 'float32',
  }: {
    readonly precision?: Precision;
    readonly logitRows?: number;
    readonly activations?: ActivationFormat;
  } = {},
): Promise<void> {
  const settings = {steps, rate: 5e-3, warmup: 0.5, lossScaleGrowth: 2, logitRows, activations};
  const before = memory().numTensors;
  const ordinary = await trained({...settings, capture: false}, precision);
  let captured = ordinary;
  const printed = await warnings(async () => {
    captured = await trained({...settings, capture: true}, precision);
  });
  expect(printed).to.deep.equal([]);
  expect(captured).to.deep.equal(ordinary);
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
}
