// The whole model through the loop: kernels on wasm train as the plain loops on cpu do, wherever memory happens to lie.

import {memory, ones} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {LanguageModel} from '../../models/language-model.js';
import type {StepEvent} from '../../train/events.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';

const task = createMqar({length: 16, pairs: 2, vocabSize: 16});

async function firstSteps(): Promise<StepEvent[]> {
  const model = LanguageModel.create({
    vocabSize: 16,
    window: 4,
    dModel: 8,
    heads: 1,
    eideticSlots: 4,
    stateSize: 4,
  });
  const steps: StepEvent[] = [];
  for await (const event of train({model, task, settings: parseTrainSettings({steps: 6, batch: 4})})) {
    if (event.type === 'step') steps.push(event);
  }
  model.model.dispose();
  return steps;
}

describe('training of a model', () => {
  it('goes the same way on cpu and on wasm, and leaves no tensor behind', async () => {
    await useBackend('cpu');
    const expected = await firstSteps();
    await useBackend('wasm');
    for (let shift = 1; shift <= 4; shift++) {
      const before = memory().numTensors;
      const held = ones([2 * shift]); // moves later allocations
      const steps = await firstSteps();
      steps.forEach((step, i) => {
        expect(step.loss, `loss of step ${step.step}`).to.be.closeTo(expected[i].loss, 1e-4);
        expect(step.gradientNorm / expected[i].gradientNorm).to.be.closeTo(1, 1e-3);
      });
      held.dispose();
      expect(memory().numTensors).to.equal(before);
    }
  });
});
