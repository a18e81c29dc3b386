// Tokenizers of bytes and of characters in the form of a tokenizer.json, whose ids and texts are the same.

import {isRecord} from '../../../formats/json-text.js';
import type {Tokenizer} from '../tokenizer.js';
import {bpeJson, byteLevel} from './bpe-json.js';
import {byteCharacters} from './byte-characters.js';

/** A BPE without merges: every word of its vocabulary is one symbol. */
function symbols(
  words: readonly string[],
  around: {readonly preTokenizer: object | null; readonly decoder: object},
): object {
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  return bpeJson({vocab, merges: [], added: [], ...around});
}

/** A tokenizer as the JSON of a tokenizer.json that other libraries read. */
export function huggingFaceJson(tokenizer: Tokenizer): object {
  const json = tokenizer.toJSON();
  if ('tokenizer' in json && isRecord(json.tokenizer)) return json.tokenizer;
  if ('characters' in json && Array.isArray(json.characters))
    return symbols(json.characters, {preTokenizer: null, decoder: {type: 'Fuse'}});
  const bytes = byteLevel(false);
  return symbols(byteCharacters, {preTokenizer: bytes, decoder: bytes});
}
