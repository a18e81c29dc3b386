// Tokens that are read by range: a file, or an array in memory.

/**
 * Tokens of documents one after the other, read by range: a file (`TokenFile` of bmojo/data/files) or memory
 * ({@link memoryTokens}).
 */
export interface TokenSource {
  /** Number of tokens. */
  readonly count: number;
  readonly vocabSize: number;
  /** Bytes of UTF-8 that all tokens stand for. */
  readonly textBytes: number;
  /** Bytes of UTF-8 that one token stands for inside a text. */
  bytesOf(id: number): number;
  /** First token of every document, ascending, then `count`: [documents + 1]. */
  readonly borders: Float64Array;
  /** Tokens `start` to `start + length - 1`. Errors: RangeError beyond the end. */
  read(start: number, length: number): Int32Array;
}

/**
 * Documents held in memory: browsers and tests have no files. Without a tokenizer's `bytesOf` each token
 * stands for the mean of `textBytes`.
 *
 * Errors: RangeError from `read` for a range beyond the end.
 */
export function memoryTokens(
  documents: readonly ArrayLike<number>[],
  vocabSize: number,
  textBytes: number,
  bytesOf?: (id: number) => number,
): TokenSource {
  const borders = new Float64Array(documents.length + 1);
  documents.forEach((document, i) => {
    borders[i + 1] = borders[i] + document.length;
  });
  const tokens = new Int32Array(borders[documents.length]);
  documents.forEach((document, i) => {
    tokens.set(document, borders[i]);
  });
  return {
    count: tokens.length,
    vocabSize,
    textBytes,
    bytesOf: bytesOf ?? (() => textBytes / tokens.length),
    borders,
    read: (start, length) => {
      if (start < 0 || length < 0 || start + length > tokens.length)
        throw new RangeError(`tokens: range must lie in [0, ${tokens.length}], got ${length} from ${start}`);
      return tokens.slice(start, start + length);
    },
  };
}
