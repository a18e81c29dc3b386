// What every tokenizer is: text to token ids and back, with a JSON form that a run folder carries.

import type {ErrorKind} from '../../errors/bmojo-error.js';
import {BmojoError} from '../../errors/bmojo-error.js';
import {quoted} from './quoted.js';

/**
 * A tokenizer that cannot be read (`kind` damage), or text and ids that it has nothing for (misuse); the message says where
 * and why.
 */
export class TokenizerError extends BmojoError {
  override readonly name = 'TokenizerError';

  constructor(
    message: string,
    readonly kind: ErrorKind = 'damage',
  ) {
    super(message);
  }
}

/** Turns text into token ids and back, with a JSON form that run and model folders carry. */
export interface Tokenizer {
  /** Number of token ids V; every id is in [0, V). */
  readonly vocabSize: number;
  /** Ids in [0, V) that no token has, ascending. Default none. */
  readonly unusedIds?: readonly number[];
  /** Id that ends a document, where the vocabulary has one. */
  readonly endOfText?: number;
  /**
   * The last place from code unit `from` on where text may be divided without changing its tokens, whatever stands around it;
   * 0 where there is none.
   */
  lastCut(text: string, from: number): number;
  /** Errors: TokenizerError for text that the vocabulary cannot express. */
  encode(text: string): Int32Array;
  /** Errors: TokenizerError for an id outside [0, V). */
  decode(ids: ArrayLike<number>): string;
  /** Bytes of UTF-8 that a token stands for inside a text; none for the end of one, and for ids without a token. */
  bytesOf(id: number): number;
  /** Whether the text of these ids, at the end of others, may change with the ids that follow: a character has begun. */
  isOpen(ids: readonly number[]): boolean;
  /** What `tokenizerFromJSON` reads. */
  toJSON(): object;
}

/** Errors: TokenizerError for what is no text. */
export function checkText(text: unknown): void {
  if (typeof text !== 'string')
    throw new TokenizerError(`encode: must be given text, got ${quoted(text)}`, 'misuse');
}

/** Errors: TokenizerError naming the first id that is not in the vocabulary. */
export function checkIds(ids: ArrayLike<number>, vocabSize: number): void {
  if (typeof ids?.length !== 'number')
    throw new TokenizerError(`decode: must be given a list of ids, got ${quoted(ids)}`, 'misuse');
  for (let i = 0; i < ids.length; i++) {
    if (!Number.isInteger(ids[i]) || ids[i] < 0 || ids[i] >= vocabSize)
      throw new TokenizerError(
        `decode: ids must be integers in [0, ${vocabSize}), got ${ids[i]} at ${i}`,
        'misuse',
      );
  }
}
