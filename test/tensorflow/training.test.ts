// Whole training steps on TensorFlow.

import {useReadableBackend} from '../support/backends.js';
import {expectTrainsAsOnCpu} from '../support/training-laws.js';

describe('training on tensorflow', () => {
  it('takes the steps of the cpu backend, the same ones each time', async function () {
    await useReadableBackend(this, 'tensorflow');
    await expectTrainsAsOnCpu();
  });
});
