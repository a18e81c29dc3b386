// The implementation for browsers, @huggingface/tokenizers.

import {Tokenizer as HuggingFace} from '@huggingface/tokenizers';
import {forBrowser} from './browser-parts.js';
import {decoderOf} from './decoders.js';
import type {InnerTokenizer} from './inner.js';
import type {TokenizerJson} from './json.js';

/** Errors: TokenizerError naming a part that it would use otherwise than the reference implementation, Error for what it cannot use. */
export function openBrowser({json, text: source, tokens}: TokenizerJson): InnerTokenizer {
  const inner = new HuggingFace(forBrowser(JSON.parse(source)), {clean_up_tokenization_spaces: false});
  const decode = decoderOf(json.decoder);
  return {
    encode: text => Int32Array.from(inner.encode(text, {add_special_tokens: false}).ids),
    // Ids without a token are left out.
    decode: ids => decode(ids.flatMap(id => tokens.get(id) ?? [])),
  };
}
