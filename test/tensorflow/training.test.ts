// Whole training steps on TensorFlow, op by op and replayed.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useReadableBackend} from '../support/backends.js';
import {expectTrainsAsOnCpu, trained} from '../support/training-laws.js';
import {warnings} from '../support/warnings.js';

describe('training on tensorflow', () => {
  beforeEach(function () {
    return useReadableBackend(this, 'tensorflow');
  });

  it('takes the steps of the cpu backend, the same ones each time', () => expectTrainsAsOnCpu());

  it('comes to the same bits by captured steps', async () => {
    const settings = {steps: 6, rate: 5e-3, warmup: 0.5};
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
});
