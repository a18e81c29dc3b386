import type {Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {reshape, tidy} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {narrowOp, widenOp} from './definition.js';

/** In what format {@link narrow} packs numbers. */
export interface NarrowOptions {
  /** 'float16', IEEE 754 binary16, or 'bfloat16', the upper half of float32. */
  readonly format: 'float16' | 'bfloat16';
}

/** In what format numbers are packed, and how many to a row, of {@link widen}. */
export interface WidenOptions extends NarrowOptions {
  /** Numbers of a row. Each row begins at a word, so that the last word of a row of an odd number holds one. */
  readonly columns: number;
}

/**
 * Numbers rounded to 16 bits, two to a word of 32, the earlier one in the lower bits: half of the memory. Ties go to the even
 * number; what is finite stays finite, in float16 within +-65,504.
 *
 * Shapes: x of any shape, N numbers; returns [ceil(N / 2)], int32. No gradient.
 * Errors: ArgumentError on a wrong dtype or format.
 */
export function narrow(x: Tensor, {format}: NarrowOptions): Tensor1D {
  return runOp(narrowOp, {x}, {format}).words as Tensor1D;
}

/**
 * The numbers that words hold, two to a word, as float32: of a weight of halves, or of what {@link narrow} has packed, which is
 * one row; exact, infinity and NaN included.
 *
 * Shapes: words [D, ceil(E / 2)], int32, with E = `columns`; returns [D, E]. Of words [ceil(E / 2)], [E]. No gradient.
 * Errors: ArgumentError on a wrong rank, size, dtype, format or number of columns.
 */
export function widen<T extends Tensor1D | Tensor2D>(words: T, {format, columns}: WidenOptions): T {
  const attributes = {format, columns};
  if (words?.rank !== 1) return runOp(widenOp, {words}, attributes).y as T;
  return tidy(() => {
    const {y} = runOp(widenOp, {words: reshape(words, [1, words.size])}, attributes);
    return reshape(y, [columns]) as T;
  });
}
