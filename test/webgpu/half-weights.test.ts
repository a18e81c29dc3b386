// Weights of halves on WebGPU: what float32 gives for the same numbers, bit for bit.

import {halfLaws} from '../support/half-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('weights of halves on webgpu', function () {
  this.timeout(300_000);
  before(function () {
    return useWebGPUOrSkip(this);
  });
  halfLaws([1, 8]);
});
