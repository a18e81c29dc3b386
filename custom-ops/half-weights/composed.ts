// The same mathematics from tf operations: halves are widened, then multiplied or looked up.

import type {Tensor} from '@tensorflow/tfjs-core';
import {add, gather, matMul, reshape, scalar, slice, where} from '@tensorflow/tfjs-core';
import {numbersOfWords} from '../half-words.js';
import {areKnown} from '../known-ids.js';
import type {Dims, NamedTensors} from '../op.js';
import type {HalfAttributes} from './attributes.js';

/** Words [R, W] as numbers [R, columns]. */
function unpacked(words: Tensor, {format, columns}: HalfAttributes): Tensor {
  return slice(numbersOfWords(words, format), [0, 0], [words.shape[0], columns]);
}

function product(
  {x, weight, bias}: NamedTensors,
  attrs: HalfAttributes,
  {B, L, D, E}: Dims,
  isTransposed: boolean,
): NamedTensors {
  const y = matMul(reshape(x, [B * L, D]), unpacked(weight, attrs), false, isTransposed);
  return {y: reshape(bias === undefined ? y : add(y, bias), [B, L, E])};
}

export function linearHalf(inputs: NamedTensors, attrs: HalfAttributes, dims: Dims): NamedTensors {
  return product(inputs, attrs, dims, false);
}

export function linearTransposedHalf(inputs: NamedTensors, attrs: HalfAttributes, dims: Dims): NamedTensors {
  return product(inputs, attrs, dims, true);
}

/** An id outside the table gets NaN. */
export function embeddingLookupHalf(
  {table, ids}: NamedTensors,
  attrs: HalfAttributes,
  {B, L, V, D}: Dims,
): NamedTensors {
  const flat = reshape(ids, [B * L]);
  const isKnown = areKnown(flat, V);
  const rows = unpacked(gather(table, where(isKnown, flat, scalar(0, 'int32'))), attrs);
  const poison = where(isKnown, scalar(0), scalar(Number.NaN));
  return {y: reshape(add(rows, reshape(poison, [B * L, 1])), [B, L, D])};
}
