// Which ids a table has rows for, and classes labels, as composed forms ask it.

import type {Tensor} from '@tensorflow/tfjs-core';
import {greaterEqual, less, logicalAnd, scalar} from '@tensorflow/tfjs-core';

/** Whether each of int32 ids is in [0, count); of the ids' shape. */
export function areKnown(ids: Tensor, count: number): Tensor {
  return logicalAnd(greaterEqual(ids, scalar(0, 'int32')), less(ids, scalar(count, 'int32')));
}
