import {
  add,
  cast,
  equal,
  expandDims,
  logicalOr,
  logSoftmax,
  mul,
  neg,
  notEqual,
  range,
  scalar,
  sum,
  where,
} from '@tensorflow/tfjs-core';
import {areKnown} from '../known-ids.js';
import type {Dims, NamedTensors} from '../op.js';
import type {CrossEntropyAttributes} from './attributes.js';

/**
 * One-hot labels by comparison: tf.oneHot refuses a depth of 1 and is wrong for floats on wasm. A label outside the classes costs
 * NaN.
 */
export function composed(
  {logits, labels}: NamedTensors,
  {ignoreIndex}: CrossEntropyAttributes,
  {V}: Dims,
): NamedTensors {
  const labelled = cast(notEqual(labels, scalar(ignoreIndex, 'int32')), 'float32');
  const chosen = cast(equal(expandDims(labels, -1), range(0, V, 1, 'int32')), 'float32');
  const isRight = logicalOr(areKnown(labels, V), equal(labels, scalar(ignoreIndex, 'int32')));
  const losses = mul(neg(sum(mul(chosen, logSoftmax(logits)), -1)), labelled);
  return {losses: add(losses, where(isRight, scalar(0), scalar(Number.NaN)))};
}
