// What keeps rmsNorm from dividing by zero.

export type RmsNormAttributes = {
  /** Added to the mean square before the root. */
  readonly epsilon: number;
};
