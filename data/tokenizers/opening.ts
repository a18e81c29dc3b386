// What a text begins with where nobody says.

import type {Tokenizer} from './tokenizer.js';
import {TokenizerError} from './tokenizer.js';

/** A new line, or the first character of a corpus of characters that has none. */
export function openingOf(tokenizer: Tokenizer): string {
  try {
    tokenizer.encode('\n');
    return '\n';
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    return tokenizer.decode([0]);
  }
}
