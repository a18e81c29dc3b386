// How far back innovationScores looks.

export type InnovationScoresAttributes = {
  /** Fading tokens k that predict the next one. */
  readonly span: number;
};
