// Indices that come as floats, as Keras-style models hand them on: whole numbers, or no indices at all.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {
  cast,
  equal,
  fill,
  getBackend,
  isNaN as isUndefined,
  logicalAnd,
  logicalNot,
  where,
} from '@tensorflow/tfjs-core';
import {hostBackendNames} from './backends/backend-names.js';
import {refuse} from './check.js';

/** Out of the range of every index, so that the op that takes it refuses it, or answers NaN. */
const NO_INDEX = -1;

/**
 * Numbers as int32, which of int32 itself costs nothing. Errors: ArgumentError for one that is not whole, where memory can be read
 * at once (cpu and wasm); elsewhere it becomes -1.
 */
export function wholeNumbers<R extends Rank>(
  functionName: string,
  argument: string,
  given: Tensor<R>,
): Tensor<R> {
  if (given.dtype !== 'float32') return cast(given, 'int32');
  if (hostBackendNames.some(name => name === getBackend())) {
    const values = given.dataSync();
    const at = values.findIndex(value => !Number.isInteger(value));
    if (at >= 0) refuse(functionName, argument, 'whole numbers', `${values[at]} at flat index ${at}`);
    return cast(given, 'int32');
  }
  const cut = cast(given, 'int32');
  // A comparison alone may take NaN for equal, on devices that need not know it.
  const isWhole = logicalAnd(logicalNot(isUndefined(given)), equal(cast(cut, 'float32'), given));
  return where(isWhole, cut, fill(given.shape, NO_INDEX, 'int32'));
}
