import {
  cast,
  equal,
  expandDims,
  logSoftmax,
  mul,
  neg,
  notEqual,
  range,
  scalar,
  sum,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {CrossEntropyAttributes} from './attributes.js';

/** One-hot labels by comparison: tf.oneHot refuses a depth of 1 and is wrong for floats on wasm. */
export function composed(
  {logits, labels}: NamedTensors,
  {ignoreIndex}: CrossEntropyAttributes,
  {V}: Dims,
): NamedTensors {
  const labelled = cast(notEqual(labels, scalar(ignoreIndex, 'int32')), 'float32');
  const chosen = cast(equal(expandDims(labels, -1), range(0, V, 1, 'int32')), 'float32');
  return {losses: mul(neg(sum(mul(chosen, logSoftmax(logits)), -1)), labelled)};
}
