// What tells one mask of dropout from another, beside its seed.

export type DropoutAttributes = {
  /** Share of elements set to zero, in [0, 0.99]. */
  readonly rate: number;
  /** Tells the masks of one seed apart: a number of the place in the model, in [0, 2^24). */
  readonly stream: number;
};
