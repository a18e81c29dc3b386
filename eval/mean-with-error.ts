// A mean with its standard error: over windows of a text, over seeds.

import {spreadOf} from './seeds.js';

/** Of n values their mean, and the standard error of it: the deviation, n - 1 in the denominator, over the root of n. */
export function meanWithError(values: readonly number[]): {
  readonly mean: number;
  /** Absent for a single value. */
  readonly error?: number;
} {
  const {mean, deviation} = spreadOf(values);
  return deviation === undefined ? {mean} : {mean, error: deviation / Math.sqrt(values.length)};
}
