// The laws of every kernel on the backends that every machine has.

import {wasmDebug} from '../../custom-ops/backends/wasm.js';
import {hostBackendNames, useBackend} from '../../custom-ops/index.js';
import {fusionTests, parityTests} from '../support/kernel-laws.js';

for (const backend of hostBackendNames) {
  for (const form of ['kernel', 'composed'] as const) {
    describe(`${form} parity on ${backend}`, () => {
      before(async () => {
        await useBackend(backend);
        wasmDebug.poison = form === 'kernel';
      });
      after(() => {
        wasmDebug.poison = false;
      });
      parityTests(form);
    });
  }

  describe(`the form of each op on ${backend}`, () => {
    before(() => useBackend(backend));
    fusionTests();
  });
}
