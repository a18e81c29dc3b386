// Captured training through time in more ways than npm test has the time for: their shaders take a minute to compile on a CPU.

import {expectSameBitsInSegments} from '../support/segments-law.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('captured steps that carry memory come to the same bits', function () {
  this.timeout(600_000);
  beforeEach(async function () {
    await useWebGPUOrSkip(this);
  });

  it('in parts and recomputed', () =>
    expectSameBitsInSegments({context: 16, accumulate: 2, recompute: true}));

  it('where storage grows: the fifth and the sixth segment begin alike and leave more or less', () =>
    expectSameBitsInSegments({context: 16, segments: 6, storage: 2}));

  it('where segments begin within a chunk', () => expectSameBitsInSegments({context: 12}));

  it('with activations in float16', () => expectSameBitsInSegments({context: 16, activations: 'float16'}));
});
