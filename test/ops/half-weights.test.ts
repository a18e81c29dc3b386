// Weights of halves on the backends whose memory can be read at once: what float32 gives for the same numbers, bit for bit.

import {readableBackends, useReadableBackend} from '../support/backends.js';
import {halfLaws} from '../support/half-laws.js';

for (const backend of readableBackends)
  describe(`weights of halves on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    halfLaws([1, 2, 3, 4]);
  });
