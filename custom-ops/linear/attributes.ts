// How linear multiplies.

export type LinearAttributes = {
  /** Of the factors of its products, see `precisions`; sums and the bias are float32. */
  readonly precision: 'float32' | 'tf32' | 'float16' | 'bfloat16';
};
