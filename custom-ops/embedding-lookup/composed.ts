import {add, cast, equal, expandDims, matMul, range, reshape, scalar, where} from '@tensorflow/tfjs-core';
import {areKnown} from '../known-ids.js';
import type {Attributes, Dims, NamedTensors} from '../op.js';

/**
 * A product with one-hot rows: tf.gather's gradient is missing on wasm. Made by comparison, since tf.oneHot refuses a
 * depth of 1 and is wrong for floats on wasm. An id outside the table gets NaN.
 */
export function composed({table, ids}: NamedTensors, _attrs: Attributes, {B, L, V, D}: Dims): NamedTensors {
  const chosen = cast(equal(reshape(ids, [B * L, 1]), range(0, V, 1, 'int32')), 'float32');
  const poison = where(areKnown(ids, V), scalar(0), scalar(Number.NaN));
  return {y: add(reshape(matMul(chosen, table), [B, L, D]), expandDims(poison, -1))};
}
