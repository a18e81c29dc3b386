// What every streaming layer keeps to, on any backend: cut into pieces it says the same as whole, and no token changes
// an earlier output.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {concat, dispose, memory, slice, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {StreamingLayer} from '../../layers/index.js';
import {disposeState} from '../../layers/index.js';
import {expectClose} from './error.js';
import {normal3d} from './tensors.js';

export const [BATCH, LENGTH, WIDTH] = [2, 41, 16];
const TOLERANCE = 1e-5;

/** Pieces of every kind: whole, in step with a window of 6, awkward, in halves, token by token. */
export const splits: readonly (readonly number[])[] = [
  [LENGTH],
  [6, 6, 6, 6, 6, 6, 5],
  [1, 7, 12, 2, 19],
  [17, 24],
  Array.from({length: LENGTH}, () => 1),
];

/** [2, 41, 16] */
export function sequence(): Tensor3D {
  return normal3d([BATCH, LENGTH, WIDTH], 5);
}

async function read(make: () => Tensor3D): Promise<Float32Array> {
  const result = tidy(make);
  const values = (await result.data<'float32'>()).slice();
  result.dispose();
  return values;
}

async function inPieces(layer: StreamingLayer, x: Tensor3D, sizes: readonly number[]): Promise<Float32Array> {
  let state = layer.initialState(BATCH);
  const outputs: Tensor3D[] = [];
  let start = 0;
  for (const size of sizes) {
    const piece = slice(x, [0, start, 0], [BATCH, size, WIDTH]);
    const result = layer.step(piece, state, {position: start});
    disposeState(state);
    piece.dispose();
    state = result.state;
    outputs.push(result.y);
    start += size;
  }
  disposeState(state);
  const values = await read(() => concat(outputs, 1));
  dispose(outputs);
  return values;
}

export async function expectPiecesAgree(
  create: () => StreamingLayer,
  name: string,
  cuts: readonly (readonly number[])[] = splits,
): Promise<void> {
  const layer = create();
  const x = sequence();
  const whole = await read(() => layer.apply(x) as Tensor3D);
  const before = memory().numTensors;
  for (const sizes of cuts) {
    expectClose(
      await inPieces(layer, x, sizes),
      whole,
      TOLERANCE,
      `${name} in pieces of ${sizes.slice(0, 5)}`,
    );
  }
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
  x.dispose();
  layer.dispose();
}

export async function expectCausal(create: () => StreamingLayer): Promise<void> {
  const layer = create();
  const cut = 23;
  const x = sequence();
  const other = tidy(() =>
    concat([slice(x, [0, 0, 0], [BATCH, cut, WIDTH]), normal3d([BATCH, LENGTH - cut, WIDTH], 8)], 1),
  );
  const earlier = (input: Tensor3D): Promise<Float32Array> =>
    read(() => slice(layer.apply(input) as Tensor3D, [0, 0, 0], [BATCH, cut, WIDTH]));
  expect(await earlier(other)).to.deep.equal(await earlier(x));
  dispose([x, other]);
  layer.dispose();
}
