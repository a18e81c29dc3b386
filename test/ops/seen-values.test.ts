// Values that are NaN or infinite reach the queries that see them, and no others.

import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectSeen, seenCases} from '../support/seen-values.js';

for (const backend of readableBackends) {
  describe(`values that are no numbers, in attention on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    for (const opCase of seenCases)
      it(`reach those who see them: ${opCase.name}`, () => expectSeen(opCase, 'float32'));
  });
}
