// The sequence laws on WebGPU, for one layer of each kind; every layer is in the slow tests.

import {gpuLayers, quickSplits} from '../support/gpu-suite.js';
import {expectCausal, expectPiecesAgree} from '../support/sequence-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('sequence laws on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  for (const [name, create] of gpuLayers('quick')) {
    it(`${name}: whole and in pieces agree`, () => expectPiecesAgree(create, name, quickSplits));
    it(`${name}: a later token changes nothing earlier`, () => expectCausal(create));
  }
});
