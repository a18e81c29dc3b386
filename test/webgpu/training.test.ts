// Whole training steps on WebGPU, op by op and replayed. One file, so that their shaders are compiled once.

import {expectSameBitsInSegments} from '../support/segments-law.js';
import {expectSameBitsCaptured, expectTrainsAsOnCpu} from '../support/training-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('training on webgpu', function () {
  this.timeout(300_000);
  beforeEach(async function () {
    await useWebGPUOrSkip(this);
  });

  it('takes the steps of the cpu backend, the same ones each time', () => expectTrainsAsOnCpu());

  it('comes to the same bits by captured steps', () => expectSameBitsCaptured(5));

  it('comes to the same bits by captured steps with a scaled loss and logits in blocks of rows', () =>
    expectSameBitsCaptured(5, {precision: 'float16', logitRows: 5}));

  it('comes to the same bits by captured steps with activations in float16', () =>
    expectSameBitsCaptured(5, {activations: 'float16'}));

  it('comes to the same bits by captured steps that carry memory, recomputed', () =>
    expectSameBitsInSegments({context: 32, recompute: true}));
});
