// The same from tf operations: all scores, then a top-k, which gives ties to the lower index, the older row.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  cast,
  concat,
  fill,
  greater,
  less,
  logicalAnd,
  matMul,
  notEqual,
  range,
  reshape,
  scalar,
  tensor1d,
  topk,
  transpose,
  where,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {ExactSearchAttributes} from './attributes.js';
import {NO_SCORE} from './attributes.js';
import {rowLimit} from './reference.js';

/** [B, n, G, Dh] -> [B, G, n, Dh]. */
const groupsFirst = (x: Tensor): Tensor => transpose(x, [0, 2, 1, 3]);

export function composed(
  {q, k, admitted}: NamedTensors,
  attrs: ExactSearchAttributes,
  {B, L, N, G, R}: Dims,
): NamedTensors {
  const limits = tensor1d(
    Array.from({length: L}, (_, t) => rowLimit(t, {N, ...attrs})),
    'int32',
  );
  const before = less(range(0, N, 1, 'int32'), reshape(limits, [L, 1]));
  const mayBeFound =
    admitted === undefined
      ? before
      : logicalAnd(before, reshape(notEqual(admitted, scalar(0, 'int32')), [B, 1, 1, N]));
  const products = matMul(groupsFirst(q), groupsFirst(k), false, true);
  const none = scalar(NO_SCORE);
  const scores = where(logicalAnd(mayBeFound, greater(products, none)), products, none);
  const count = Math.min(R, N);
  const best = topk(scores, count);
  const found = greater(best.values, none);
  const rows = where(found, cast(best.indices, 'int32'), scalar(-1, 'int32'));
  const filled = (x: Tensor, value: number): Tensor => {
    const whole = count === R ? x : concat([x, fill([B, G, L, R - count], value, x.dtype)], 3);
    return groupsFirst(whole);
  };
  return {rows: filled(rows, -1), scores: filled(best.values, NO_SCORE)};
}
