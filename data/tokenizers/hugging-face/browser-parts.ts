// The parts of a tokenizer.json that the implementation for browsers uses as the reference does, some of them written in
// another way. test/data/tokenizer-differential.test.ts compares them; every other part is refused by name.

import {quoted} from '../quoted.js';
import {TokenizerError} from '../tokenizer.js';
import {byteCharacters} from './byte-characters.js';
import type {Json} from './json.js';
import {flat, isRecord} from './json.js';

/** The pattern of byte-level pre-tokenizers (GPT-2, Radford et al. 2019). */
const BYTE_LEVEL = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

function refuse(what: string, part: string): never {
  throw new TokenizerError(
    `${part} ${what} gives other tokens in browsers than by the reference implementation, so that it is refused here; ` +
      'encode in Node, where the package tokenizers is the reference',
  );
}

/** Letters, digits and what joins them, by Unicode's definition of a word (UTS 18, annex C). */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\u200c\u200d';
const PUNCTUATION = '[!-/:-@\\[-`{-~\\p{P}]';
/** White space that begins or ends a text. */
const [LEADING, TRAILING] = ['(?<![\\s\\S])\\s+', '\\s+(?![\\s\\S])'];

const split = (Regex: string, behavior: string, invert = false): Json => ({
  type: 'Split',
  pattern: {Regex},
  behavior,
  invert,
});
const isolated = (regex: string): Json => split(regex, 'Isolated');
const spaces = split('\\s+', 'Removed');
const erase = (Regex: string): Json => ({type: 'Replace', pattern: {Regex}, content: ''});

function joined(parts: readonly Json[], list: string): Json | null {
  if (parts.length <= 1) return parts[0] ?? null;
  return {type: 'Sequence', [list]: parts};
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function patternOf({pattern}: Json): string {
  if (isRecord(pattern) && typeof pattern.Regex === 'string') return pattern.Regex;
  if (isRecord(pattern) && typeof pattern.String === 'string') return escaped(pattern.String);
  throw new TokenizerError(`a pattern must be a String or a Regex, got ${quoted(pattern)}`);
}

function normalizer(part: Json): Json[] {
  const {type} = part;
  switch (type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'StripAccents':
    case 'Prepend':
    case 'Replace':
    case 'BertNormalizer':
      return [part];
    case 'Strip':
      return [
        ...(part.strip_left === true ? [erase(LEADING)] : []),
        ...(part.strip_right === true ? [erase(TRAILING)] : []),
      ];
    default:
      return refuse(quoted(type), 'normalizer');
  }
}

function splitter(part: Json): Json[] {
  const {behavior, invert} = part;
  if (behavior === 'Isolated') return [isolated(patternOf(part))];
  if (behavior === 'Removed') return [split(patternOf(part), 'Removed', invert === true)];
  return refuse(`Split with behavior ${quoted(behavior)}`, 'pre-tokenizer');
}

function punctuation({behavior}: Json): Json[] {
  if (behavior === 'Isolated' || behavior === 'Removed') return [split(PUNCTUATION, behavior)];
  if (behavior === 'Contiguous') return [isolated(`${PUNCTUATION}+`)];
  return refuse(`Punctuation with behavior ${quoted(behavior)}`, 'pre-tokenizer');
}

function preTokenizer(part: Json): Json[] {
  const {type} = part;
  switch (type) {
    case 'ByteLevel':
      if (part.add_prefix_space !== false) return refuse('ByteLevel with add_prefix_space', 'pre-tokenizer');
      return part.use_regex === false ? [part] : [isolated(BYTE_LEVEL), {...part, use_regex: false}];
    case 'Digits':
      return [isolated(part.individual_digits === true ? '\\p{N}' : '\\p{N}+')];
    case 'Whitespace':
      return [split(`[${WORD}]+|[^${WORD}\\s]+`, 'Removed', true)];
    case 'WhitespaceSplit':
      return [spaces];
    case 'BertPreTokenizer':
      return [spaces, isolated(PUNCTUATION)];
    case 'CharDelimiterSplit':
      return [split(escaped(String(part.delimiter)), 'Removed')];
    case 'Punctuation':
      return punctuation(part);
    case 'Split':
      return splitter(part);
    case 'FixedLength':
      return [isolated(`[\\s\\S]{1,${Number(part.length)}}`)];
    case 'Metaspace':
      return metaspace(part);
    default:
      return refuse(quoted(type), 'pre-tokenizer');
  }
}

function metaspace(part: Json): Json[] {
  const mark = typeof part.replacement === 'string' ? part.replacement : '\u2581';
  if ([...mark].length !== 1)
    throw new TokenizerError(`a Metaspace must have a replacement of one character, got ${quoted(mark)}`);
  const whole = {...part, split: false};
  return part.split === false ? [whole] : [whole, isolated(`${mark}[^${mark}]*|[^${mark}]+`)];
}

const byteTokens = Array.from(
  {length: 256},
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);

/** Whether every character that the model meets has a token: it meets those of bytes alone, or falls back to bytes. */
function knowsAll({vocab, byte_fallback}: Json, splitters: readonly Json[]): boolean {
  const has = (tokens: readonly string[]): boolean =>
    isRecord(vocab) && tokens.every(token => Object.hasOwn(vocab, token));
  return (
    (byte_fallback === true && has(byteTokens)) ||
    (splitters.at(-1)?.type === 'ByteLevel' && has(byteCharacters))
  );
}

const isEmpty = (list: unknown): boolean => Array.isArray(list) && list.length === 0;

function checkModel(model: Json, splitters: readonly Json[]): void {
  const {type, unk_token, fuse_unk, continuing_subword_prefix: prefix, byte_fallback, merges} = model;
  if (type === 'WordPiece' || type === 'WordLevel') return;
  if (type !== 'BPE') refuse(quoted(type), 'model');
  if (typeof prefix === 'string' && prefix !== '') refuse('BPE with continuing_subword_prefix', 'model');
  if (knowsAll(model, splitters)) return;
  if (byte_fallback === true) refuse('BPE with byte_fallback and without a token for each byte', 'model');
  if (fuse_unk === true) refuse('BPE with fuse_unk', 'model');
  // An unknown character is left out: before the merges there, so that its neighbours meet, behind them here.
  if (typeof unk_token !== 'string' && !isEmpty(merges))
    refuse('BPE with merges, without an unk_token', 'model');
}

function checkAdded(added: unknown, json: Json, splitters: readonly Json[]): void {
  const first = splitters.some(
    ({type, prepend_scheme}) => type === 'Metaspace' && prepend_scheme === 'first',
  );
  for (const token of Array.isArray(added) ? added : []) {
    const {content, single_word, lstrip, rstrip, normalized} = token;
    for (const [key, value] of Object.entries({single_word, lstrip, rstrip}))
      if (value === true) refuse(`${quoted(content)} with ${key}`, 'added token');
    if (normalized === true && first && json.normalizer !== null)
      refuse(`${quoted(content)} with normalized before a Metaspace of scheme first`, 'added token');
  }
}

/** The same tokenizer in the parts that browsers use as the reference does. Errors: TokenizerError naming one without such a form. */
export function forBrowser(json: Json): Json {
  const splitters = flat(json.pre_tokenizer, 'pre-tokenizer', 'pretokenizers').flatMap(preTokenizer);
  checkModel(isRecord(json.model) ? json.model : {}, splitters);
  checkAdded(json.added_tokens, json, splitters);
  return {
    ...json,
    normalizer: joined(flat(json.normalizer, 'normalizer', 'normalizers').flatMap(normalizer), 'normalizers'),
    pre_tokenizer: joined(splitters, 'pretokenizers'),
    // Tokens of text alone are wanted, and decoders.ts decodes.
    post_processor: null,
    decoder: null,
  };
}
