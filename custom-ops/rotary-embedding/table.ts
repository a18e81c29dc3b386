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

/** A table of positions offset .. offset + L-1. */
export interface GivenTable {
  readonly cosSin: Tensor2D;
  readonly base: number;
  readonly offset: number;
}

let given: GivenTable | undefined;

/**
 * Runs `body` with a table at hand that {@link rotaryEmbedding} takes where it fits, instead of making its own: one upload
 * for all its calls, and none that a captured step would not know of.
 */
export function withRotaryTable<T>(table: GivenTable, body: () => T): T {
  const before = given;
  given = table;
  try {
    return body();
  } finally {
    given = before;
  }
}

/** Runs a body later, as a gradient is computed later, with the table that is at hand now. */
export function holdRotaryTable(): <T>(body: () => T) => T {
  const held = given;
  return body => (held === undefined ? body() : withRotaryTable(held, body));
}

/** The table at hand if it is of these positions. */
export function givenTable(
  length: number,
  headWidth: number,
  base: number,
  offset: number,
): Tensor2D | undefined {
  if (given === undefined || given.base !== base || given.offset !== offset) return undefined;
  const [rows, width] = given.cosSin.shape;
  return rows === length && width === headWidth ? given.cosSin : undefined;
}

export function checkHeadWidth(functionName: string, argument: string, value: number): void {
  checkInteger(functionName, argument, value, 2);
  if (value % 2 !== 0) refuse(functionName, argument, 'even', value);
}
