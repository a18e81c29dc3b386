// How linear multiplies.

import type {Precision} from '../precision.js';

export type LinearAttributes = {
  /** Of the factors of its products; sums and the bias are float32. */
  readonly precision: Precision;
};
