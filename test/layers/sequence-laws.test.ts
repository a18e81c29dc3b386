// Whole sequence == chunks with state hand-off == token by token, and no token changes an earlier output.

import {slice, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {StreamingLayer} from '../../layers/index.js';
import {stateLeaves} from '../../layers/index.js';
import {shapeLeaves} from '../../layers/state.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {
  BATCH,
  expectCausal,
  expectPiecesAgree,
  expectRoomAgrees,
  LENGTH,
  sequence,
  WIDTH,
} from '../support/sequence-laws.js';
import {streamingLayers} from './mixers.js';

/** Whether room changes the layer's memory. */
function growsWithin(layer: StreamingLayer): boolean {
  const [tight, roomy] = [undefined, 20].map(room => layer.stateShapes(WIDTH, 4, room));
  return JSON.stringify(tight) !== JSON.stringify(roomy);
}

for (const backend of readableBackends) {
  describe(`sequence laws on ${backend}`, () => {
    before(async function () {
      await useReadableBackend(this, backend);
    });

    for (const [name, create] of Object.entries(streamingLayers)) {
      it(`${name}: whole, chunked and stepped agree`, () => expectPiecesAgree(create, name));

      if (growsWithin(create()))
        it(`${name}: with room for more tokens it is the same`, () => expectRoomAgrees(create));

      it(`${name}: a later token changes nothing earlier`, () => expectCausal(create));

      it(`${name}: declares the memory that it holds, name by name, and its bytes`, () => {
        const layer = create();
        tidy(() => {
          const x = sequence();
          for (const length of [1, 9, LENGTH]) {
            const piece = slice(x, [0, 0, 0], [BATCH, length, WIDTH]);
            const {state} = layer.step(piece, layer.initialState(BATCH), {position: 0});
            const held = stateLeaves(state).map(([name, tensor]) => [name, tensor.shape]);
            const declared = shapeLeaves(layer.stateShapes(WIDTH, length));
            expect(held, `after ${length} tokens`).to.deep.equal(
              declared.map(([name, shape]) => [name, [BATCH, ...shape]]),
            );
            const bytes = stateLeaves(state).reduce((total, [, tensor]) => total + 4 * tensor.size, 0);
            expect(layer.stateBytes(WIDTH, length)).to.equal(bytes / BATCH);
          }
        });
        layer.dispose();
      });
    }
  });
}
