// Tokenizers of bytes and of characters in the form of a tokenizer.json, whose ids and texts are the same.

import {isRecord} from '../../../formats/json-text.js';
import type {Tokenizer} from '../tokenizer.js';
import {byteCharacters} from './byte-characters.js';

/** A BPE without merges: every word of its vocabulary is one symbol. */
function symbols(
  words: readonly string[],
  {preTokenizer, decoder}: {preTokenizer: object | null; decoder: object},
) {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: [],
    },
  };
}

/** A tokenizer as the JSON of a tokenizer.json that other libraries read. */
export function huggingFaceJson(tokenizer: Tokenizer): object {
  const json = tokenizer.toJSON();
  if ('tokenizer' in json && isRecord(json.tokenizer)) return json.tokenizer;
  if ('characters' in json && Array.isArray(json.characters))
    return symbols(json.characters, {preTokenizer: null, decoder: {type: 'Fuse'}});
  const byteLevel = {type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false};
  return symbols(byteCharacters, {preTokenizer: byteLevel, decoder: byteLevel});
}
