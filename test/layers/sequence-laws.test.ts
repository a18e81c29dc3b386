// Whole sequence == chunks with state hand-off == token by token, and no token changes an earlier output.

import {slice, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {BATCH, expectCausal, expectPiecesAgree, LENGTH, sequence, WIDTH} from '../support/sequence-laws.js';
import {streamingLayers} from './mixers.js';

for (const backend of readableBackends) {
  describe(`sequence laws on ${backend}`, () => {
    before(async function () {
      await useReadableBackend(this, backend);
    });

    for (const [name, create] of Object.entries(streamingLayers)) {
      it(`${name}: whole, chunked and stepped agree`, () => expectPiecesAgree(create, name));

      it(`${name}: a later token changes nothing earlier`, () => expectCausal(create));

      it(`${name}: stateSize counts the state's bytes`, () => {
        const layer = create();
        tidy(() => {
          const x = sequence();
          for (const length of [1, 9, LENGTH]) {
            const piece = slice(x, [0, 0, 0], [BATCH, length, WIDTH]);
            const {state} = layer.step(piece, layer.initialState(BATCH));
            const held = Object.values(state.tensors).reduce((total, tensor) => total + 4 * tensor.size, 0);
            expect(layer.stateSize(length), `after ${length} tokens`).to.equal(held / BATCH);
          }
        });
        layer.dispose();
      });
    }
  });
}
