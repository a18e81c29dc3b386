// The sequence laws on WebGPU, for one layer of each kind; every layer is in the slow tests.

import {layerChecks, quickSplits, someLayers} from '../support/gpu-suite.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('sequence laws on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  for (const {name, run} of layerChecks(someLayers, () => quickSplits)) it(name, run);
});
