// Whole training steps on TensorFlow, op by op and replayed.

import {useReadableBackend} from '../support/backends.js';
import {expectSameBitsCaptured, expectTrainsAsOnCpu} from '../support/training-laws.js';

describe('training on tensorflow', () => {
  beforeEach(function () {
    return useReadableBackend(this, 'tensorflow');
  });

  it('takes the steps of the cpu backend, the same ones each time', () => expectTrainsAsOnCpu());

  it('comes to the same bits by captured steps', () => expectSameBitsCaptured(6));
});
