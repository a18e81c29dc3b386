// Which rows the queries of memoryAttention see.

/** Fading tokens: none, those of a sliding window before the exact one, or those before the chunk. */
export const fadingModes = ['none', 'sliding', 'chunk'] as const;

export type FadingMode = (typeof fadingModes)[number];

export type MemoryAttentionAttributes = {
  /** Tokens w attended exactly, and the chunk length. */
  readonly window: number;
  readonly fading: FadingMode;
  /** Fading tokens mf before the chunk, for 'chunk'. */
  readonly fadingTokens: number;
  /** Rows of k before the first query's own row. */
  readonly queryOffset: number;
  /** Rows before it are reached through positions only. */
  readonly firstRow: number;
  /** Position of the first query within its chunk. */
  readonly phase: number;
  /** Of the factors of its products, see `precisions`; softmax, normaliser and sums are float32. */
  readonly precision: 'float32' | 'tf32' | 'float16' | 'bfloat16';
};
