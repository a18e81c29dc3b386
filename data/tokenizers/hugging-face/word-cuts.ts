// Which tokenizer.json lets text be divided at words, by what is known of its parts; any other sees documents whole.

import {isRecord} from './json.js';
import type {MayCut} from '../cuts.js';
import {cutsAtSpaces, cutsAtWords, cutsNowhere} from '../cuts.js';

/** Patterns of words in use, in which white space only begins a word: GPT-2, GPT-4, Llama 3, Qwen 2, GPT-4o. */
const WORD_PATTERNS = new Set([
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The parts of a Sequence, or the part itself. */
function parts(value: unknown, key: string): unknown[] {
  if (value === null || value === undefined) return [];
  return isRecord(value) && value.type === 'Sequence' ? list(value[key]).flatMap(one => parts(one, key)) : [value];
}

/** Whether the part leaves every place of `cutsAtWords` as it is and begins a word there. */
function splitsWords(part: unknown): boolean {
  if (!isRecord(part)) return false;
  const {type, pattern, behavior, invert} = part;
  if (type === 'ByteLevel') return part.use_regex !== false && part.add_prefix_space === false;
  if (type === 'Split')
    return (
      behavior === (invert === true ? 'Removed' : 'Isolated') &&
      isRecord(pattern) && typeof pattern.Regex === 'string' && WORD_PATTERNS.has(pattern.Regex)
    );
  return ['Whitespace', 'BertPreTokenizer'].includes(String(type));
}

/** Whether the part, after or before one that splits words, looks at single characters only. */
function isLocal(part: unknown): boolean {
  if (!isRecord(part)) return false;
  return (part.type === 'Digits' && part.individual_digits === true) || (part.type === 'ByteLevel' && part.add_prefix_space === false);
}

/** Whether only places before a space are left alone; sentencepiece makes a space the mark that begins a word. */
const isAtSpaces = (part: unknown): boolean =>
  isRecord(part) &&
  (part.type === 'WhitespaceSplit' ||
    (part.type === 'Metaspace' && part.split !== false && part.add_prefix_space !== false));

/** Whether a token that is looked for in the text before it is split leaves places to divide alone. */
function isInert(token: unknown): boolean {
  if (!isRecord(token) || typeof token.content !== 'string') return false;
  const {content, single_word, lstrip, rstrip} = token;
  if (single_word === true || lstrip === true || rstrip === true) return false;
  for (let at = 1; at < content.length; at++) if (cutsAtWords(content, at)) return false;
  return true;
}

/** Where the tokens of a checked tokenizer.json do not change when text is divided. */
export function wordCuts(json: Readonly<Record<string, unknown>>): MayCut {
  const {model, normalizer, pre_tokenizer, added_tokens} = json;
  const isPlain = parts(normalizer, 'normalizers').every(one => isRecord(one) && one.type === 'NFC');
  const isFixed = isRecord(model) && (model.dropout === null || model.dropout === undefined || model.dropout === 0);
  if (!isPlain || !isFixed || !list(added_tokens).every(isInert)) return cutsNowhere;
  const splitters = parts(pre_tokenizer, 'pretokenizers');
  if (splitters.length === 1 && isAtSpaces(splitters[0])) return cutsAtSpaces;
  const first = splitters.findIndex(splitsWords);
  if (first < 0 || !splitters.every((part, i) => i === first || isLocal(part) || splitsWords(part))) return cutsNowhere;
  return cutsAtWords;
}
