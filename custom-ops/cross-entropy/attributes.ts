// Which rows cost nothing in crossEntropy.

export type CrossEntropyAttributes = {
  /** Rows with this label cost nothing. */
  readonly ignoreIndex: number;
};
