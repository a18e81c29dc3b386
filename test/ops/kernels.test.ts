// The laws of every kernel on the backends whose memory can be read at once.

import {startTensorFlow} from '../../custom-ops/backends/tensorflow/index.js';
import {wasmDebug} from '../../custom-ops/backends/wasm.js';
import type {ReadableBackend} from '../support/backends.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {fusionTests, leftResultTests, parityTests} from '../support/kernel-laws.js';

/** Outputs and scratch are filled with NaN before a kernel runs. */
function poison(backend: ReadableBackend, poisons: boolean): void {
  if (backend === 'tensorflow') startTensorFlow().setPoison(poisons);
  else wasmDebug.poison = poisons && backend === 'wasm';
}

for (const backend of readableBackends) {
  for (const form of ['kernel', 'composed'] as const) {
    describe(`${form} parity on ${backend}`, () => {
      let isPoisoned = false; // stays so where the backend is missing: after runs all the same
      before(async function () {
        await useReadableBackend(this, backend);
        isPoisoned = form === 'kernel';
        poison(backend, isPoisoned);
      });
      after(() => {
        if (isPoisoned) poison(backend, false);
      });
      parityTests(form);
      leftResultTests(form);
    });
  }

  describe(`the form of each op on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    fusionTests();
  });
}
