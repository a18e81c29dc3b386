// The laws of every kernel on WebGPU that has no file of its own, and the form of all; the table says which ops have none.

import {gpuKernels} from '../../custom-ops/backends/webgpu/index.js';
import {gpuParityTests} from '../support/gpu-parity.js';
import {fusionTests} from '../support/kernel-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const composed = new Set(
  Object.entries<object | string>(gpuKernels).flatMap(([name, kernel]) =>
    kernel === 'composed' ? [name] : [],
  ),
);

gpuParityTests('others');

describe('the form of each op on webgpu', () => {
  before(async function () {
    await useWebGPUOrSkip(this);
  });
  fusionTests(composed);
});
