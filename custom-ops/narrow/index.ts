import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {narrowOp, widenOp} from './definition.js';

/** In what format {@link narrow} packs numbers. */
export interface NarrowOptions {
  /** 'float16', IEEE 754 binary16, or 'bfloat16', the upper half of float32. */
  readonly format: 'float16' | 'bfloat16';
}

/** In what format numbers are packed, and how many, of {@link widen}. */
export interface WidenOptions extends NarrowOptions {
  /** How many numbers are packed, N. */
  readonly count: number;
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
 * The numbers that {@link narrow} has packed, as float32; exact.
 *
 * Shapes: words [ceil(N / 2)], int32; returns [N], with N = `count`. No gradient.
 * Errors: ArgumentError on a wrong rank, size, dtype, format or count.
 */
export function widen(words: Tensor1D, {format, count}: WidenOptions): Tensor1D {
  return runOp(widenOp, {words}, {format, count}).y as Tensor1D;
}
