// What tells two tokenizers apart: the digest of their JSON, however a file is laid out.

import type {Tokenizer} from '../../data/tokenizers/index.js';
import {sha256Of} from '../../formats/sha256/index.js';

/** SHA-256 of a tokenizer's JSON form without white space. */
export function tokenizerDigest(tokenizer: Tokenizer): string {
  return sha256Of(new TextEncoder().encode(JSON.stringify(tokenizer)));
}
