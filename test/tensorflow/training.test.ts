// Whole training steps of a B'MOJO model: as on the cpu backend, twice the same, and leaving nothing behind.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {createModel, LanguageModel} from '../../models/index.js';
import type {StepEvent} from '../../train/events.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';
import {useReadableBackend} from '../support/backends.js';

const task = createMqar({vocabSize: 32, length: 32, pairs: 4});
const settings = parseTrainSettings({steps: 4, batch: 4, rate: 5e-3, warmup: 0});
const sizes = {vocabSize: 32, dModel: 16, layers: 2, heads: 2, window: 8, eideticSlots: 8, stateSize: 4};

/** Loss, accuracy and gradient norm of every step of a fresh model. */
async function steps(): Promise<StepEvent[]> {
  const layers = createModel({preset: 'bmojo', dropout: 0.2, ...sizes});
  const events: StepEvent[] = [];
  for await (const event of train({model: new LanguageModel(layers), task, settings})) {
    if (event.type === 'step') events.push(event);
  }
  layers.dispose();
  return events;
}

describe('training on tensorflow', () => {
  it('takes the steps of the cpu backend, the same ones each time', async function () {
    await useReadableBackend(this, 'tensorflow');
    const before = memory().numTensors;
    const first = await steps();
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    expect(await steps()).to.deep.equal(first);
    await useBackend('cpu');
    const expected = await steps();
    expect(first).to.have.length(4);
    first.forEach((step, i) => {
      expect(step.loss).to.be.closeTo(expected[i].loss, 1e-4);
      expect(step.gradientNorm / expected[i].gradientNorm).to.be.closeTo(1, 1e-2);
    });
  });
});
