// Models of the Hub's layouts read a text in pieces on WebGPU as they read it whole. Every length of a piece compiles kernels of its
// own, which takes long where a GPU is in software: apart from what is tested of them at every change.

import {fromPretrained} from '../../models/node.js';
import {expectPieces, goldenModels} from '../support/golden-models.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('models of the Hub in pieces on webgpu', () => {
  before(function () {
    return useWebGPUOrSkip(this);
  });

  for (const golden of goldenModels) {
    it(golden.name, async function () {
      this.timeout(600_000);
      const {model} = await fromPretrained(golden.folder);
      await expectPieces(model, golden);
      model.model.dispose();
    });
  }
});
