// One token for each byte of UTF-8: any text, 256 ids.

import {cutsAnywhere, lastCut} from './cuts.js';
import type {Tokenizer} from './tokenizer.js';
import {checkIds, checkText} from './tokenizer.js';
import {endsInsideCharacter} from './utf-8.js';

/**
 * One token for each byte of UTF-8, 256 in all, so that every text can be encoded; bytes that are no UTF-8
 * decode to U+FFFD.
 *
 * Errors: TokenizerError from `decode` for an id that is no byte.
 */
export function byteTokenizer(): Tokenizer {
  return {
    vocabSize: 256,
    lastCut: (text, from) => lastCut(cutsAnywhere, text, from),
    encode: text => {
      checkText(text);
      return Int32Array.from(new TextEncoder().encode(text));
    },
    decode: ids => {
      checkIds(ids, 256);
      // A byte order mark is a character of the text like any other.
      return new TextDecoder('utf-8', {ignoreBOM: true}).decode(Uint8Array.from(ids));
    },
    bytesOf: () => 1,
    isOpen: endsInsideCharacter,
    toJSON: () => ({type: 'byte'}),
  };
}
