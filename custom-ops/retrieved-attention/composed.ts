// The same mathematics from tf operations: scores of all rows, of which those that a query does not name are hidden and
// those that it names n times count n times. tf.gather has no gradient on every backend. A NaN in a row that some query names
// is in the others' sums too, times zero: unlike the kernels, which read named rows alone.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  equal,
  exp,
  greater,
  greaterEqual,
  log,
  logSumExp,
  matMul,
  max,
  maximum,
  mul,
  range,
  reshape,
  scalar,
  slice,
  sub,
  transpose,
  where,
  zeros,
} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors} from '../op.js';
import {NO_ROWS} from './no-rows.js';

/** Added to the scores of rows that a query does not name. */
const HIDDEN = -1e30;

/** [B, n, groups * heads, Dh] -> [B * groups, heads, n, Dh]. */
function groupsFirst(x: Tensor, groups: number): Tensor {
  const [B, n, heads, Dh] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [B * groups, heads / groups, n, Dh]);
}

/** [B * G, 1, L, M]: how often each query names each row. */
function countsOf(rows: Tensor, {B, L, M, G, R}: Dims): Tensor {
  const numbers = range(0, M, 1, 'int32');
  const grouped = groupsFirst(rows, G);
  let counts: Tensor = zeros([B * G, 1, L, M]);
  for (let r = 0; r < R; r++)
    counts = add(counts, cast(equal(slice(grouped, [0, 0, 0, r], [B * G, 1, L, 1]), numbers), 'float32'));
  return counts;
}

/** Rows [B * G, heads, M, Dh], zeros for those that no query names: whatever stands there reaches nothing. */
function namedRows(x: Tensor, counts: Tensor, {B, M, G}: Dims): Tensor {
  const isNamed = reshape(greater(max(counts, 2), scalar(0)), [B * G, 1, M, 1]);
  return where(isNamed, groupsFirst(x, G), scalar(0));
}

export function composed({q, k, v, rows}: NamedTensors, _: Attributes, dims: Dims): NamedTensors {
  const {B, L, M, H, G, Dh} = dims;
  const heads = H / G;
  // The queries of a group's heads follow each other.
  const queries = reshape(groupsFirst(mul(q, scalar(Dh ** -0.5)), G), [B * G, 1, heads * L, Dh]);
  const counts = countsOf(rows, dims);
  const products = reshape(matMul(queries, namedRows(k, counts, dims), false, true), [B * G, heads, L, M]);
  const mask = where(greater(counts, scalar(0)), log(maximum(counts, scalar(1))), scalar(HIDDEN));
  const scores = add(products, mask);
  const level = logSumExp(scores, 3, true);
  const isAny = greaterEqual(max(groupsFirst(rows, G), 3, true), scalar(0, 'int32'));
  // Without rows all scores are alike, and hidden.
  const weights = where(isAny, exp(sub(scores, level)), scalar(0));
  const mixed = matMul(reshape(weights, [B * G, 1, heads * L, M]), namedRows(v, counts, dims));
  const levels = where(isAny, level, scalar(NO_ROWS));
  const headsLast = (x: Tensor, width: number): Tensor =>
    transpose(reshape(x, [B, H, L, width]), [0, 2, 1, 3]);
  return {out: headsLast(mixed, Dh), logSumExp: reshape(headsLast(levels, 1), [B, L, H])};
}
