// The same attention from tf operations, chunk by chunk with dense masks: each chunk of queries against its window,
// its fading tokens and its stored tokens.

import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  concat,
  equal,
  expandDims,
  less,
  matMul,
  mul,
  range,
  reshape,
  scalar,
  slice,
  softmax,
  tensor,
  transpose,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {MemoryAttentionAttributes} from './definition.js';
import type {RowRange} from './geometry.js';
import {chunkOf, fadingRows, windowRows} from './geometry.js';

const MASKED = -1e30;

/** [B, rows, G, Dh] -> [B, H, rows, Dh], each key head repeated for its query heads. */
function byHead(x: Tensor, heads: number): Tensor4D {
  const [batch, rows, groups, width] = x.shape;
  const first = expandDims(transpose(x, [0, 2, 1, 3]), 2);
  const share = heads / groups;
  return reshape(
    concat(
      Array.from({length: share}, () => first),
      2,
    ),
    [batch, heads, rows, width],
  );
}

interface Part {
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
  /** Added to the scores; broadcasts to [B, H, queries, keys]. */
  readonly mask: Tensor;
}

/** A contiguous range of rows that covers what all queries of the piece see, masked query by query. */
function contiguous(
  k: Tensor,
  v: Tensor,
  queries: readonly number[],
  heads: number,
  rowsOf: (query: number) => RowRange,
): Part {
  const ranges = queries.map(rowsOf);
  const seen = ranges.filter(range => range.end > range.begin);
  // Where no query sees a row, one hidden row keeps k and v part of the function that tf differentiates.
  const begin = seen.length === 0 ? 0 : Math.min(...seen.map(range => range.begin));
  const end = seen.length === 0 ? 1 : Math.max(...seen.map(range => range.end));
  const [batch, , groups, width] = k.shape;
  const take = (x: Tensor): Tensor4D =>
    byHead(slice(x, [0, begin, 0, 0], [batch, end - begin, groups, width]), heads);
  const mask = ranges.flatMap(rows =>
    Array.from({length: end - begin}, (_, j) =>
      begin + j >= rows.begin && begin + j < rows.end ? 0 : MASKED,
    ),
  );
  return {keys: take(k), values: take(v), mask: tensor(mask, [1, 1, queries.length, end - begin])};
}

/** The stored tokens of one chunk, gathered by a one-hot product, which every backend can differentiate. */
function stored(k: Tensor, v: Tensor, positions: Tensor, chunk: number, heads: number): Part {
  const [batch, rows, groups, width] = k.shape;
  const slots = positions.shape[2] as number;
  const ids = reshape(slice(positions, [0, chunk, 0], [batch, 1, slots]), [batch, slots]);
  const pick = cast(equal(expandDims(ids, 2), range(0, rows, 1, 'int32')), 'float32');
  const take = (x: Tensor): Tensor4D => {
    const picked = matMul(pick, reshape(x, [batch, rows, groups * width]));
    return byHead(reshape(picked, [batch, slots, groups, width]), heads);
  };
  const empty = cast(less(ids, scalar(0, 'int32')), 'float32');
  return {keys: take(k), values: take(v), mask: reshape(mul(empty, scalar(MASKED)), [batch, 1, 1, slots])};
}

export function composed(
  {q, k, v, kFading, vFading, positions}: NamedTensors,
  attrs: MemoryAttentionAttributes,
  {B, L, H, Dh}: Dims,
): NamedTensors {
  const outputs: Tensor[] = [];
  for (let first = 0; first < L; ) {
    const chunk = chunkOf(first, attrs);
    const length = Math.min(L, (chunk + 1) * attrs.window - attrs.phase) - first;
    const queries = Array.from({length}, (_, i) => first + i);
    const parts = [contiguous(k, v, queries, H, query => windowRows(query, attrs))];
    if (kFading && vFading)
      parts.push(contiguous(kFading, vFading, queries, H, query => fadingRows(query, attrs)));
    if (positions) parts.push(stored(k, v, positions, chunk, H));
    const asked = mul(
      transpose(slice(q, [0, first, 0, 0], [B, length, H, Dh]), [0, 2, 1, 3]),
      scalar(Dh ** -0.5),
    );
    const scores = parts.map(({keys, mask}) => add(matMul(asked, keys, false, true), mask));
    const joined = scores.length === 1 ? scores[0] : concat(scores, 3);
    const values =
      parts.length === 1
        ? parts[0].values
        : concat(
            parts.map(part => part.values),
            2,
          );
    outputs.push(transpose(matMul(softmax(joined), values), [0, 2, 1, 3]));
    first += length;
  }
  return {out: outputs.length === 1 ? outputs[0] : concat(outputs, 1)};
}
