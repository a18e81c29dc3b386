// The implementation for browsers, @huggingface/tokenizers.

import {Tokenizer as HuggingFace} from '@huggingface/tokenizers';
import type {InnerTokenizer} from './inner.js';

/** Errors: Error naming the parts that it would use otherwise than the reference implementation. */
export function openBrowser(text: string): InnerTokenizer {
  const inner = new HuggingFace(JSON.parse(text), {clean_up_tokenization_spaces: false});
  return {
    encode: text => Int32Array.from(inner.encode(text, {add_special_tokens: false}).ids),
    decode: ids =>
      ids.length === 0
        ? ''
        : inner.decode([...ids], {skip_special_tokens: false, clean_up_tokenization_spaces: false}),
  };
}
