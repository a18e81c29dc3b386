// Tokenizers of Hugging Face's tokenizer.json, such as byte-level BPE.

import {openReference} from '#tokenizers';
import {lastCut} from '../cuts.js';
import type {Tokenizer} from '../tokenizer.js';
import {checkIds, checkText, TokenizerError} from '../tokenizer.js';
import {openBrowser} from './browser.js';
import type {InnerTokenizer} from './inner.js';
import {checkTokenizerJson} from './json.js';
import {openEndOf} from './open-end.js';
import {bytesOf} from './token-bytes.js';
import {wordCuts} from './word-cuts.js';

/** Names under which vocabularies keep the token that ends a document. */
const END_OF_TEXT = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>'];

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Characters of the implementation's own words that a message repeats. */
const LONGEST = 300;

/** What is told of a refusal: one line. */
function orRefused<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof TokenizerError
      ? error
      : new TokenizerError(`${what}: ${messageOf(error).split('\n')[0].slice(0, LONGEST)}`);
  }
}

/** Halves of a character, which have no form in UTF-8. */
const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const wellFormed = (text: string): string => text.replace(HALVES, '\ufffd');

export interface HuggingFaceOptions {
  /** Take the implementation for browsers in Node, too. Default false. */
  readonly browser?: boolean;
}

/**
 * A tokenizer from the parsed text of a tokenizer.json, in Node by the reference implementation, elsewhere by one that refuses
 * what it would encode otherwise. Errors: TokenizerError when the object is none, or holds parts that cannot be used.
 */
export function huggingFaceTokenizer(value: unknown, {browser = false}: HuggingFaceOptions = {}): Tokenizer {
  const checked = checkTokenizerJson(value);
  const {json, vocabulary, tokens: known, vocabSize} = checked;
  const inner = orRefused<InnerTokenizer>(
    'tokenizer.json: cannot be used',
    () => (browser ? undefined : openReference(checked.text)) ?? openBrowser(checked),
  );
  const endOfText = END_OF_TEXT.map(word => vocabulary.get(word)).find(id => id !== undefined);
  const mayCut = wordCuts(json);
  let unused: readonly number[] | undefined;
  return {
    vocabSize,
    get unusedIds() {
      unused ??= [...Array(vocabSize).keys()].filter(id => !known.has(id));
      return unused;
    },
    ...(endOfText === undefined ? {} : {endOfText}),
    lastCut: (text, from) => lastCut(mayCut, text, from),
    encode: text => {
      checkText(text);
      const tokens = orRefused('encode', () => inner.encode(wellFormed(text)));
      const bad = tokens.findIndex(id => id < 0 || id >= vocabSize);
      if (bad >= 0)
        throw new TokenizerError(`encode: token ${bad} of the text has no id in the vocabulary`, 'misuse');
      return tokens;
    },
    decode: tokens => {
      checkIds(tokens, vocabSize);
      return orRefused('decode', () => inner.decode(Array.from(tokens)));
    },
    bytesOf: bytesOf(checked, ids => inner.decode(ids), endOfText),
    isOpen: openEndOf(checked),
    toJSON: () => ({type: 'hugging-face', tokenizer: value}),
  };
}
