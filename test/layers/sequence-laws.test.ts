// Whole sequence == chunks with state hand-off == token by token, and no token changes an earlier output.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {concat, dispose, memory, slice, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {StreamingLayer} from '../../layers/index.js';
import {disposeState} from '../../layers/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';
import {normal3d} from '../support/tensors.js';
import {streamingLayers} from './mixers.js';

const [BATCH, LENGTH, WIDTH] = [2, 41, 16];
const TOLERANCE = 1e-5;

function inPieces(layer: StreamingLayer, x: Tensor3D, sizes: readonly number[]): Float32Array {
  let state = layer.initialState(BATCH);
  const outputs: Tensor3D[] = [];
  let start = 0;
  for (const size of sizes) {
    const piece = slice(x, [0, start, 0], [BATCH, size, WIDTH]);
    const result = layer.step(piece, state);
    disposeState(state);
    piece.dispose();
    state = result.state;
    outputs.push(result.y);
    start += size;
  }
  disposeState(state);
  const values = tidy(() => concat(outputs, 1).dataSync<'float32'>().slice());
  dispose(outputs);
  return values;
}

for (const backend of readableBackends) {
  describe(`sequence laws on ${backend}`, () => {
    let x: Tensor3D;
    before(async function () {
      await useReadableBackend(this, backend);
      x = normal3d([BATCH, LENGTH, WIDTH], 5);
    });
    after(() => x.dispose());

    for (const [name, create] of Object.entries(streamingLayers)) {
      it(`${name}: whole, chunked and stepped agree`, () => {
        const layer = create();
        const whole = tidy(() => (layer.apply(x) as Tensor3D).dataSync<'float32'>().slice());
        const before = memory().numTensors;
        const splits = [
          [LENGTH],
          [6, 6, 6, 6, 6, 6, 5],
          [1, 7, 12, 2, 19],
          [17, 24],
          Array.from({length: LENGTH}, () => 1),
        ];
        for (const sizes of splits) {
          expectClose(
            inPieces(layer, x, sizes),
            whole,
            TOLERANCE,
            `${name} in pieces of ${sizes.slice(0, 5)}`,
          );
        }
        expect(memory().numTensors, 'tensors left behind').to.equal(before);
        layer.dispose();
      });

      it(`${name}: a later token changes nothing earlier`, () => {
        const layer = create();
        const cut = 23;
        const other = tidy(() =>
          concat([slice(x, [0, 0, 0], [BATCH, cut, WIDTH]), normal3d([BATCH, LENGTH - cut, WIDTH], 8)], 1),
        );
        const earlier = (input: Tensor3D): number[] =>
          tidy(() => [...slice(layer.apply(input) as Tensor3D, [0, 0, 0], [BATCH, cut, WIDTH]).dataSync()]);
        expect(earlier(other)).to.deep.equal(earlier(x));
        other.dispose();
        layer.dispose();
      });

      it(`${name}: stateSize counts the state's bytes`, () => {
        const layer = create();
        tidy(() => {
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
