import {cast, equal, matMul, range, reshape} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors} from '../op.js';

/**
 * A product with one-hot rows: tf.gather's gradient is missing on wasm. Made by comparison, since tf.oneHot refuses a
 * depth of 1 and is wrong for floats on wasm.
 */
export function composed({table, ids}: NamedTensors, _attrs: Attributes, {B, L, V, D}: Dims): NamedTensors {
  const chosen = cast(equal(reshape(ids, [B * L, 1]), range(0, V, 1, 'int32')), 'float32');
  return {y: reshape(matMul(chosen, table), [B, L, D])};
}
