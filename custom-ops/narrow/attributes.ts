// The formats of 16 bits in which numbers are packed, and how.

export type NarrowAttributes = {
  /** IEEE 754 binary16, or the upper half of float32. */
  readonly format: 'float16' | 'bfloat16';
};

export type WidenAttributes = NarrowAttributes & {
  /** Numbers of a row; the last word of a row of an odd number holds one. */
  readonly columns: number;
};

export const narrowFormats = ['float16', 'bfloat16'] as const;

/** Words that hold so many numbers. */
export const wordsOf = (count: number): number => Math.ceil(count / 2);
