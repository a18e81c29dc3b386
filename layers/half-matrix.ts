// Matrices of a layer, of numbers or of halves, and what is computed with either.

import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';
import type {LayerVariable} from '@tensorflow/tfjs-layers';
import {MOST_ROWS} from '../custom-ops/half-weights/attributes.js';
import type {LinearOptions} from '../custom-ops/index.js';
import {
  ArgumentError,
  embeddingLookup,
  embeddingLookupHalf,
  linear,
  linearHalf,
  linearPassing,
  linearTransposed,
  linearTransposedHalf,
  widen,
} from '../custom-ops/index.js';
import type {HalfDType} from '../formats/weight-dtype.js';

/** A matrix whose numbers lie in memory as halves, for inference alone. */
export class HalfMatrix {
  constructor(
    /** Its words, int32. */
    readonly variable: LayerVariable,
    readonly shape: readonly [rows: number, columns: number],
    readonly format: HalfDType,
  ) {}

  /** Errors: ArgumentError where a gradient is asked for. */
  private get words(): Tensor2D {
    if (engine().state.gradientDepth > 0)
      throw new ArgumentError(
        'weights',
        this.variable.originalName,
        'in float32 for a gradient: load the model with dtype float32',
        this.format,
      );
    return this.variable.read() as Tensor2D;
  }

  private get options(): {format: HalfDType; columns: number} {
    return {format: this.format, columns: this.shape[1]};
  }

  /** Its numbers in float32, [rows, columns]. */
  unpacked(): Tensor2D {
    return widen(this.words, this.options);
  }

  /** x W + b, x [B, L, D] and W this [D, E]. */
  product(x: Tensor3D, bias: Tensor1D | undefined, options: LinearOptions): Tensor3D {
    if (!isOfFewRows(x)) return withUnpacked(this, weight => linear(x, weight, bias, options));
    return linearHalf(x, this.words, bias, this.options);
  }

  /** x W^T, x [B, L, D] and W this [E, D]. */
  productTransposed(x: Tensor3D, options: LinearOptions): Tensor3D {
    if (!isOfFewRows(x)) return withUnpacked(this, weight => linearTransposed(x, weight, undefined, options));
    return linearTransposedHalf(x, this.words, undefined, this.options);
  }

  /** The rows of ids [B, L], [B, L, columns]. */
  rows(ids: Tensor2D): Tensor3D {
    return embeddingLookupHalf(this.words, ids, this.options);
  }
}

/** A matrix of a layer: a tensor, or halves. */
export type Matrix = Tensor2D | HalfMatrix;

/** Whether a product reads halves as they are; with more rows they are unpacked once, for a product of many rows. */
export function isOfFewRows({shape: [batch, length]}: Tensor3D): boolean {
  return batch * length <= MOST_ROWS;
}

function withUnpacked(matrix: HalfMatrix, body: (weight: Tensor2D) => Tensor3D): Tensor3D {
  const weight = matrix.unpacked();
  const result = body(weight);
  weight.dispose();
  return result;
}

/** {@link linear} with any matrix. */
export function multiply(
  x: Tensor3D,
  weight: Matrix,
  bias: Tensor1D | undefined,
  options: LinearOptions,
): Tensor3D {
  return weight instanceof HalfMatrix ? weight.product(x, bias, options) : linear(x, weight, bias, options);
}

/** {@link linearPassing} with any matrix. */
export function multiplyPassing(
  x: Tensor3D,
  weight: Matrix,
  bias: Tensor1D | undefined,
  options: LinearOptions,
): {y: Tensor3D; passed: Tensor3D} {
  if (weight instanceof HalfMatrix) return {y: weight.product(x, bias, options), passed: x};
  return linearPassing(x, weight, bias, options);
}

/** {@link linearTransposed} with any matrix, without a bias. */
export function multiplyTransposed(x: Tensor3D, weight: Matrix, options: LinearOptions): Tensor3D {
  return weight instanceof HalfMatrix
    ? weight.productTransposed(x, options)
    : linearTransposed(x, weight, undefined, options);
}

/** {@link embeddingLookup} in any matrix. */
export function lookUp(table: Matrix, ids: Tensor2D): Tensor3D {
  return table instanceof HalfMatrix ? table.rows(ids) : embeddingLookup(table, ids);
}
