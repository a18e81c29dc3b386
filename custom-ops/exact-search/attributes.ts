// Which rows exactSearch may find, and how many.

export type ExactSearchAttributes = {
  /** Rows R found for each query and group. */
  readonly count: number;
  /** Chunk length w; 0: every query may find every row. */
  readonly window: number;
  /** Rows before the first query's own. */
  readonly queryOffset: number;
  /** Position of the first query within its chunk. */
  readonly phase: number;
};

/** Score of a place that stays empty; a row must have a greater one to be found. */
export const NO_SCORE = -1e30;
