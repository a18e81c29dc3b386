// The laws of every kernel on WebGPU, on poisoned buffers; the table says which ops have none.

import {gpuKernels, webgpuDebug} from '../../custom-ops/backends/webgpu/index.js';
import {fusionTests, parityTests} from '../support/kernel-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const composed = new Set(
  Object.entries<object | string>(gpuKernels).flatMap(([name, kernel]) =>
    kernel === 'composed' ? [name] : [],
  ),
);

describe('kernel parity on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
    webgpuDebug.poison = true;
  });
  after(() => {
    webgpuDebug.poison = false;
  });
  parityTests('kernel');
});

describe('the form of each op on webgpu', () => {
  before(async function () {
    await useWebGPUOrSkip(this);
  });
  fusionTests(composed);
});
