// Models of the Hub's layouts compute on WebGPU what they compute in their own library.

import type {LanguageModel} from '../../models/index.js';
import {fromPretrained} from '../../models/node.js';
import {
  expectContinuation,
  expectLearning,
  expectLogits,
  expectSteps,
  goldenModels,
} from '../support/golden-models.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('models of the Hub on webgpu', () => {
  before(function () {
    return useWebGPUOrSkip(this);
  });

  for (const golden of goldenModels) {
    it(`${golden.name}: logits, whole and step by step; greedy continuation; learns`, async function () {
      this.timeout(300_000); // a GPU in software compiles long
      const {model}: {model: LanguageModel} = await fromPretrained(golden.folder);
      await expectLogits(model, golden);
      await expectSteps(model, golden); // in pieces on the other backends: each length compiles anew here
      await expectContinuation(model, golden);
      await expectLearning(model, golden);
      model.model.dispose();
    });
  }
});
