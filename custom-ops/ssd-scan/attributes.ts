// What every form of the state-space dual scan agrees on: the bounds of step sizes, and how often the state is saved.

/**
 * Tokens of a chunk: within it the scan is a product of matrices, and the state before it is saved for the gradient. Longer ones
 * keep fewer states and multiply more: the better for products on matrix units.
 */
export const chunkOf = ({precision}: Pick<SsdScanAttributes, 'precision'>): number =>
  precision === 'float16' ? 128 : 64;

/** An upper bound that no step size reaches: the largest float32, since kernels take bounds as float32. */
export const NO_MOST = (2 - 2 ** -23) * 2 ** 127;

export type SsdScanAttributes = {
  /** Step sizes after softplus are cut to [least, most]. */
  readonly deltaLeast: number;
  readonly deltaMost: number;
  /** Of the factors of products, see `precisions`; sums, decays and states are float32. */
  readonly precision: 'float32' | 'tf32' | 'float16' | 'bfloat16';
};
