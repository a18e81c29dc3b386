// Tokenizers of Hugging Face's tokenizer.json, such as byte-level BPE.

import {Tokenizer as HuggingFace} from '@huggingface/tokenizers';
import type {Tokenizer} from './tokenizer.js';
import {checkIds, TokenizerError} from './tokenizer.js';

/** Names under which vocabularies keep the token that ends a document. */
const END_OF_TEXT = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>'];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Byte-level pre-tokenizers start a new word at every line break after a letter. */
function cutsAtLines({pre_tokenizer: splitter, normalizer}: Record<string, unknown>): boolean {
  const plain = normalizer == null || (isRecord(normalizer) && /^NFK?[CD]$/.test(String(normalizer.type)));
  return plain && isRecord(splitter) && splitter.type === 'ByteLevel' && splitter.add_prefix_space !== true;
}

/**
 * A tokenizer from the parsed text of a tokenizer.json.
 * Errors: TokenizerError when the object is none, or holds parts that the library does not know.
 */
export function huggingFaceTokenizer(json: unknown): Tokenizer {
  if (!isRecord(json) || !isRecord(json.model))
    throw new TokenizerError("tokenizer.json: must be an object with a 'model', as Hugging Face writes it");
  let inner: HuggingFace;
  let vocabulary: Map<string, number>;
  try {
    inner = new HuggingFace(json, {clean_up_tokenization_spaces: false});
    vocabulary = inner.get_vocab(true);
  } catch (error) {
    throw new TokenizerError(
      `tokenizer.json: cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const ids = [...vocabulary.values()];
  if (ids.length === 0 || !ids.every(id => Number.isInteger(id) && id >= 0))
    throw new TokenizerError('tokenizer.json: the vocabulary must map words to integers from 0');
  const vocabSize = ids.reduce((most, id) => Math.max(most, id), 0) + 1;
  const endOfText = END_OF_TEXT.map(word => vocabulary.get(word)).find(id => id !== undefined);
  return {
    vocabSize,
    ...(endOfText === undefined ? {} : {endOfText}),
    cutsAtLines: cutsAtLines(json),
    encode: text => {
      const tokens = Int32Array.from(inner.encode(text, {add_special_tokens: false}).ids);
      const bad = tokens.findIndex(id => id < 0 || id >= vocabSize);
      if (bad >= 0) throw new TokenizerError(`encode: token ${bad} of the text has no id in the vocabulary`);
      return tokens;
    },
    decode: tokens => {
      checkIds(tokens, vocabSize);
      if (tokens.length === 0) return '';
      return inner.decode(Array.from(tokens), {
        skip_special_tokens: false,
        clean_up_tokenization_spaces: false,
      });
    },
    toJSON: () => ({type: 'hugging-face', tokenizer: json}),
  };
}
