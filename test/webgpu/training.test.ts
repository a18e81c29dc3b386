// Whole training steps on WebGPU.

import {expectTrainsAsOnCpu} from '../support/training-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('training on webgpu', function () {
  this.timeout(300_000);

  it('takes the steps of the cpu backend, the same ones each time', async function () {
    await useWebGPUOrSkip(this);
    await expectTrainsAsOnCpu();
  });
});
