// Cosines and sines of rotary angles, in double precision: float32 angles would be off by 0.06 at position 1,000,000.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {tensor2d} from '@tensorflow/tfjs-core';
import {checkInteger, checkNumber, refuse} from '../check.js';
import {SharedTensors} from '../shared-tensors.js';

/** Row l: cos of positions[l] * base^(-2i/Dh) for i < Dh/2, then the sines. */
export function rotaryAngles(positions: ArrayLike<number>, headWidth: number, base: number): Float64Array {
  const half = headWidth / 2;
  const frequencies = Float64Array.from({length: half}, (_, i) => base ** (-i / half));
  const table = new Float64Array(positions.length * headWidth);
  for (let row = 0; row < positions.length; row++) {
    for (let i = 0; i < half; i++) {
      const angle = positions[row] * frequencies[i];
      table[row * headWidth + i] = Math.cos(angle);
      table[row * headWidth + half + i] = Math.sin(angle);
    }
  }
  return table;
}

/**
 * The table that {@link rotaryEmbeddingWithTable} takes, for any positions; keep it to use it again, dispose it after.
 *
 * Shapes: positions of L integers; headWidth Dh, even; base of the wavelengths, default 10000; returns [L, Dh].
 * Errors: ArgumentError on an odd width, a base below 1 or a position that is no integer.
 */
export function rotaryTable(positions: ArrayLike<number>, headWidth: number, base = 10000): Tensor2D {
  checkHeadWidth('rotaryTable', 'headWidth', headWidth);
  checkNumber('rotaryTable', 'base', base, 1);
  for (let row = 0; row < positions.length; row++) {
    checkInteger('rotaryTable', `positions[${row}]`, positions[row], -(2 ** 31));
  }
  return tensor2d(Float32Array.from(rotaryAngles(positions, headWidth, base)), [positions.length, headWidth]);
}

const shared = new SharedTensors(16);

/**
 * The table of positions 0 .. L-1, made and uploaded once for each backend. Dispose the tensor as any other: the backend's
 * memory stays.
 */
export function sharedRotaryTable(length: number, headWidth: number, base: number): Tensor2D {
  return shared.get(`${length} ${headWidth} ${base}`, () =>
    rotaryTable([...Array(length).keys()], headWidth, base),
  );
}

export function checkHeadWidth(functionName: string, argument: string, value: number): void {
  checkInteger(functionName, argument, value, 2);
  if (value % 2 !== 0) refuse(functionName, argument, 'even', value);
}
