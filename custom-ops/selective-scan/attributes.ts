// What every form of the selective scan agrees on: how step sizes are made, and how often the state is saved.

/** Tokens between two saved states: the gradient recomputes the states of one chunk at a time. */
export const CHUNK = 16;

export type SelectiveScanAttributes = {
  /** Whether delta + deltaBias passes through softplus. */
  readonly deltaSoftplus: boolean;
};
