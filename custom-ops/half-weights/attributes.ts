// In what format the halves of a weight lie, and how many of them are a row.

export type HalfAttributes = {
  /** IEEE 754 binary16, or the upper half of float32. */
  readonly format: 'float16' | 'bfloat16';
  /** Numbers of a row of the weight; the last word of a row of an odd number holds one. */
  readonly columns: number;
};

/** Rows that a product reads halves for; more are cheaper by numbers that were unpacked once. */
export const MOST_ROWS = 8;

/** Words that hold a row. */
export const wordsOf = (columns: number): number => Math.ceil(columns / 2);
