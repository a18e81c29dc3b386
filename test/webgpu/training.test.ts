// Whole training steps on WebGPU, op by op and replayed. One file, so that their shaders are compiled once.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {expectSameBitsInSegments} from '../support/segments-law.js';
import {expectTrainsAsOnCpu, trained} from '../support/training-laws.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('training on webgpu', function () {
  this.timeout(300_000);
  beforeEach(async function () {
    await useWebGPUOrSkip(this);
  });

  it('takes the steps of the cpu backend, the same ones each time', () => expectTrainsAsOnCpu());

  it('comes to the same bits by captured steps', async () => {
    const settings = {steps: 5, rate: 5e-3, warmup: 0.5};
    const before = memory().numTensors;
    const ordinary = await trained({...settings, capture: false});
    let captured = ordinary;
    const printed = await warnings(async () => {
      captured = await trained({...settings, capture: true});
    });
    expect(printed).to.deep.equal([]);
    expect(captured).to.deep.equal(ordinary);
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
  });

  it('comes to the same bits by captured steps that carry memory, recomputed', () =>
    expectSameBitsInSegments({context: 32, recompute: true}));
});
