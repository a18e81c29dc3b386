import type {Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {exactSearchOp} from './definition.js';

/** Tensors of {@link exactSearch}: what is looked for, and the rows that are searched. */
export interface ExactSearchInputs {
  /** Queries, one for each group, [B, L, G, Dh]. */
  q: Tensor4D;
  /** Rows, [B, N, G, Dh]. */
  k: Tensor4D;
  /** Rows that may be found: those with a number other than 0, int32 [B, N]. Default all. */
  admitted?: Tensor2D;
}

/** Options of {@link exactSearch}: the count must be given, other defaults stand beside each. */
export interface ExactSearchOptions {
  /** Rows R to find for each query and group, 1 to 1,024. */
  count: number;
  /** Chunk length w: a query finds rows that lie w and more before its chunk; 0: all rows. Default 0. */
  window?: number;
  /** Rows that come before the first query's own, for a continued stream. Default 0. */
  queryOffset?: number;
  /** Position of the first query within its chunk, in [0, window). Default 0. */
  phase?: number;
}

/** What {@link exactSearch} returns, for each query and group the best row first. */
export interface FoundRows {
  /** Numbers of rows, int32 [B, L, G, R]; -1 where there are fewer. */
  rows: Tensor4D;
  /** Their inner products with the query, [B, L, G, R]; -1e30 where there is no row. */
  scores: Tensor4D;
}

/**
 * The `count` rows of k with the largest inner products with each query, group by group; the largest first, ties to the older
 * row.
 *
 * Query i, in chunk c = floor((phase + i) / w), finds rows before queryOffset - phase + (c - 1) w, as innovationSelect stores
 * them; all rows without a window. Scores that are NaN or not above -1e30 are never found. Returns rows, int32 [B, L, G, R],
 * and scores [B, L, G, R]; memory linear in L. No gradient. Errors: ArgumentError on wrong sizes or options.
 */
export function exactSearch(inputs: ExactSearchInputs, options: ExactSearchOptions): FoundRows {
  const {count, window = 0, queryOffset = 0, phase = 0} = options;
  const {rows, scores} = runOp(exactSearchOp, {...inputs}, {count, window, queryOffset, phase});
  return {rows: rows as Tensor4D, scores: scores as Tensor4D};
}
export type {
  KeepingRowSearch,
  KeptNumbers,
  RowQuery,
  RowSearch,
  RowSearchOptions,
  SearchedRows,
} from './row-search.js';
export {createRowSearch} from './row-search.js';
