// Search in the stores of several sequences of a batch as if they were one, so that in training queries meet keys of other texts.

import type {Tensor, Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {
  add,
  where as choose,
  concat,
  fill,
  greaterEqual,
  logicalAnd,
  scalar,
  slice,
  topk,
} from '@tensorflow/tfjs-core';
import type {ExactSearchOptions} from '../custom-ops/index.js';
import {exactSearch} from '../custom-ops/index.js';
import type {Rows} from './projections.js';

export interface SearchedRows extends Rows {
  /** Rows that may be found: those with a number other than 0, int32 [B, N]. Default all. */
  readonly admitted?: Tensor2D;
}

export interface FoundInBatch extends Rows {
  /** Rows of these keys and values, int32 [B, L, G, R]; -1 in empty places. */
  readonly found: Tensor4D;
}

/** Sequence b + shift in the place of sequence b, around the end of the batch. */
function shifted<T extends Tensor>(x: T, shift: number): T {
  if (shift === 0) return x;
  const rest = x.shape.slice(1);
  const begin = x.shape.map((_, axis) => (axis === 0 ? shift : 0));
  return concat([slice(x, begin, [x.shape[0] - shift, ...rest]), slice(x, 0, [shift, ...rest])]) as T;
}

/**
 * The `count` best rows for each query [B, L, G, Dh] among those of its own sequence and of the `others` sequences behind it in
 * the batch, each with the same limit in time: what a query may see of its own sequence it may see of another. Where the last
 * of them has equals, these are found too.
 */
export function bestOfBatch(
  q: Tensor4D,
  {keys, values, admitted}: SearchedRows,
  options: ExactSearchOptions,
  others: number,
): FoundInBatch {
  if (others === 0) {
    const {rows: found, scores} = exactSearch({q, k: keys, admitted}, options);
    scores.dispose();
    return {keys, values, found};
  }
  const shifts = Array.from({length: others + 1}, (_, shift) => shift);
  const allKeys = shifts.map(shift => shifted(keys, shift));
  const searches = allKeys.map((k, shift) =>
    exactSearch({q, k, admitted: admitted && shifted(admitted, shift)}, options),
  );
  const scores = concat(
    searches.map(search => search.scores),
    3,
  );
  const [batch, length, groups] = scores.shape;
  const best = topk(scores, options.count).values;
  const least = slice(best, [0, 0, 0, options.count - 1], [batch, length, groups, 1]);
  const perSequence = keys.shape[1];
  const rows = concat(
    searches.map((search, shift) => add(search.rows, scalar(shift * perSequence, 'int32'))),
    3,
  );
  const isRow = greaterEqual(
    concat(
      searches.map(search => search.rows),
      3,
    ),
    scalar(0, 'int32'),
  );
  const found = choose(
    logicalAnd(isRow, greaterEqual(scores, least)),
    rows,
    fill(rows.shape, -1, 'int32'),
  ) as Tensor4D;
  return {
    keys: concat(allKeys, 1),
    values: concat(
      shifts.map(shift => shifted(values, shift)),
      1,
    ),
    found,
  };
}
