// A training step of the reference MQAR model leaves no tensor behind, over 200 steps.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {LanguageModel} from '../../models/language-model.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';

describe('training of the reference model', () => {
  it('leaks no tensor over 200 steps', async () => {
    await useBackend('wasm');
    const before = memory().numTensors;
    const model = LanguageModel.create({vocabSize: 512, dModel: 64, window: 32, eideticSlots: 32, layers: 2});
    const settings = parseTrainSettings({steps: 200, batch: 8, evalEvery: 1000, checkpointEvery: 1000});
    const counts = new Set<number>();
    for await (const event of train({model, task: createMqar(), settings})) {
      // One step's numbers are on their way while the next is computed, but for the last.
      if (event.type === 'step' && event.step > 2 && event.step < 199) counts.add(memory().numTensors);
    }
    expect([...counts]).to.have.lengthOf(1);
    model.model.dispose();
    expect(memory().numTensors).to.equal(before);
  });
});
