// What every streaming layer keeps to, on any backend: cut into pieces it says the same as whole, and no token changes
// an earlier output.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {concat, dispose, memory, slice, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {StateTree, StreamingLayer} from '../../layers/index.js';
import {disposeState, stateLeaves} from '../../layers/index.js';
import {shapeLeaves} from '../../layers/state.js';
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

/** Room from a position on. */
const rooms = new Map([
  [2, 5],
  [4, 20],
  [25, 64],
  [35, undefined],
]);

/** A memory that is given room, outgrows it, is given more, and gives it back: as without, in the shapes that are declared. */
export async function expectRoomAgrees(create: () => StreamingLayer): Promise<void> {
  const layer = create();
  const x = sequence();
  const whole = await read(() => layer.apply(x) as Tensor3D);
  const before = memory().numTensors;
  const outputs: Tensor3D[] = [];
  let state = layer.initialState(BATCH);
  let room: number | undefined;
  const expectShapes = (position: number): void => {
    const held = stateLeaves(state).map(([name, {shape}]) => [name, shape]);
    const declared = shapeLeaves(layer.stateShapes(WIDTH, position, room));
    expect(held, `after ${position} tokens with room for ${room}`).to.deep.equal(
      declared.map(([name, shape]) => [name, [BATCH, ...shape]]),
    );
  };
  const replace = (next: StateTree): void => {
    const kept = new Set(stateLeaves(next).map(([, held]) => held));
    dispose(stateLeaves(state).flatMap(([, held]) => (kept.has(held) ? [] : [held])));
    state = next;
  };
  for (let start = 0, size = 1; start < LENGTH; start += size) {
    if (rooms.has(start)) {
      const to = rooms.get(start);
      const given = {from: room, to};
      replace(tidy(() => layer.withRoom(state, start, given)));
      room = to;
      expectShapes(start);
    }
    size = start === 14 ? 9 : 1;
    const piece = slice(x, [0, start, 0], [BATCH, size, WIDTH]);
    const result = layer.step(piece, state, {position: start, room});
    piece.dispose();
    replace(result.state);
    outputs.push(result.y);
    expectShapes(start + size);
  }
  disposeState(state);
  expectClose(await read(() => concat(outputs, 1)), whole, TOLERANCE, 'with room');
  dispose(outputs);
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
