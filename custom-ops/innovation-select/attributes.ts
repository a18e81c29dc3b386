// Which rows innovationSelect may keep, and how many.

export type InnovationSelectAttributes = {
  /** Chunk length w. */
  readonly window: number;
  /** Slots me. */
  readonly capacity: number;
  /** Whether the chunk just before the queries' own may be stored. */
  readonly overlap: boolean;
  /** Rows before the first query's own. */
  readonly queryOffset: number;
  /** Position of the first query within its chunk. */
  readonly phase: number;
};
