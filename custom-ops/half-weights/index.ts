import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import type {HalfAttributes} from './attributes.js';
import {embeddingLookupHalfOp, linearHalfOp, linearTransposedHalfOp} from './definition.js';

/** How the halves of a weight lie in its words, of {@link linearHalf} and the others. */
export interface HalfOptions {
  /** 'float16', IEEE 754 binary16, or 'bfloat16', the upper half of float32. All numbers are finite. */
  readonly format: 'float16' | 'bfloat16';
  /**
   * Numbers of a row of the weight. A word holds two, the earlier one in its lower bits; every row begins at a word, so that
   * the last word of a row of an odd number holds one.
   */
  readonly columns: number;
}

const attributes = ({format, columns}: HalfOptions): HalfAttributes => ({format, columns});

/**
 * {@link linear} of a few tokens with a weight of halves, two to a word, which are widened as they are read: y = x W + b, for
 * half of the bytes. Sums are float32, and those of linear with the same numbers in float32.
 *
 * Shapes: x [B, L, D] with B L at most 8; weight [D, ceil(E / 2)], int32, with E = `columns`; bias [E], optional; returns
 * [B, L, E]. No gradient: for inference.
 * Errors: ArgumentError on a wrong rank, size, dtype or format, and for more tokens, for which {@link widen} and linear
 * are faster.
 */
export function linearHalf(
  x: Tensor3D,
  weight: Tensor2D,
  bias: Tensor1D | undefined,
  options: HalfOptions,
): Tensor3D {
  return runOp(linearHalfOp, {x, weight, bias}, attributes(options)).y as Tensor3D;
}

/**
 * {@link linearHalf} with the weight stored transposed, as an output head tied to an embedding table has it: y = x W^T + b.
 *
 * Shapes: x [B, L, D] with D = `columns` and B L at most 8; weight [E, ceil(D / 2)], int32; bias [E], optional; returns
 * [B, L, E]. No gradient: for inference.
 * Errors: as of {@link linearHalf}.
 */
export function linearTransposedHalf(
  x: Tensor3D,
  weight: Tensor2D,
  bias: Tensor1D | undefined,
  options: HalfOptions,
): Tensor3D {
  return runOp(linearTransposedHalfOp, {x, weight, bias}, attributes(options)).y as Tensor3D;
}

/**
 * {@link embeddingLookup} in a table of halves, two to a word: the row of every id as float32.
 *
 * Shapes: table [V, ceil(D / 2)], int32, with D = `columns`; ids [B, L] int32 in [0, V); returns [B, L, D]. No gradient.
 * Errors: ArgumentError on a wrong rank, size, dtype or format, or an id out of range (where memory can be read at once: cpu
 * and wasm); elsewhere its row is NaN.
 */
export function embeddingLookupHalf(table: Tensor2D, ids: Tensor2D, options: HalfOptions): Tensor3D {
  return runOp(embeddingLookupHalfOp, {table, ids}, attributes(options)).y as Tensor3D;
}
