// Models of the Hub's layouts compute here what they compute in their own library, on every backend whose memory is readable.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {LanguageModel} from '../../../models/index.js';
import {fromPretrained} from '../../../models/node.js';
import {readableBackends, useReadableBackend} from '../../support/backends.js';
import {
  expectContinuation,
  expectLearning,
  expectLogits,
  expectPieces,
  goldenModels,
} from '../../support/golden-models.js';

for (const backend of readableBackends) {
  describe(`models of the Hub on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    for (const golden of goldenModels) {
      it(`${golden.name}: logits, whole, in pieces and step by step; greedy continuation; learns`, async () => {
        const before = memory().numTensors;
        const {model}: {model: LanguageModel} = await fromPretrained(golden.folder);
        await expectLogits(model, golden);
        await expectPieces(model, golden);
        await expectContinuation(model, golden);
        await expectLearning(model, golden);
        model.model.dispose();
        expect(memory().numTensors, 'tensors left behind').to.be.at.most(before + 2);
      });
    }
  });
}
