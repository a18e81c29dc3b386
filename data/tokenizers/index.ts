// Tokenizers by their JSON form.

import {byteTokenizer} from './byte.js';
import {charTokenizer} from './char.js';
import {huggingFaceTokenizer} from './hugging-face/index.js';
import {quoted} from './quoted.js';
import type {Tokenizer} from './tokenizer.js';
import {TokenizerError} from './tokenizer.js';

export {byteTokenizer} from './byte.js';
export {CharacterCollector, charTokenizer} from './char.js';
export type {ChatMessage, ChatOptions} from './chat-template.js';
export {ChatTemplate, ChatTemplateError, chatTemplateOf} from './chat-template.js';
export {huggingFaceTokenizer} from './hugging-face/index.js';
export {startTokensOf, withStartTokens} from './hugging-face/start-tokens.js';
export {huggingFaceJson} from './hugging-face/write.js';
export {openingOf} from './opening.js';
export {TextStream} from './text-stream.js';
export type {Tokenizer} from './tokenizer.js';
export {TokenizerError} from './tokenizer.js';
export {tokenizerDigest} from './tokenizer-digest.js';

/**
 * Reads what a tokenizer's `toJSON` gave, or a parsed tokenizer.json of Hugging Face.
 * Errors: TokenizerError when it is neither, or damaged.
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new TokenizerError(`tokenizer: must be a JSON object, got ${quoted(json)}`);
  const {type, characters, tokenizer, model} = json as Record<string, unknown>;
  if (type === 'byte') return byteTokenizer();
  if (type === 'hugging-face') return huggingFaceTokenizer(tokenizer);
  if (type === undefined && model !== undefined) return huggingFaceTokenizer(json);
  if (type !== 'char')
    throw new TokenizerError(
      `tokenizer: must be of type char, byte or hugging-face, or a Hugging Face tokenizer.json, got type ${quoted(type)}`,
    );
  if (!Array.isArray(characters) || !characters.every(one => typeof one === 'string'))
    throw new TokenizerError('tokenizer: characters of a char tokenizer must be a list of text');
  return charTokenizer(characters);
}
