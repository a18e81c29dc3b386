// Which tokenizer.json lets text be divided at words, by what is known of its parts; any other sees documents whole.

import type {MayCut} from '../cuts.js';
import {cutsAtSpaces, cutsAtWords, cutsNowhere} from '../cuts.js';
import {isRecord} from './json.js';

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
  return isRecord(value) && value.type === 'Sequence'
    ? list(value[key]).flatMap(one => parts(one, key))
    : [value];
}

/** Whether the part leaves every place of `cutsAtWords()` as it is and begins a word there. */
function splitsWords(part: unknown): boolean {
  if (!isRecord(part)) return false;
  const {type, pattern, behavior, invert} = part;
  if (type === 'ByteLevel') return part.use_regex !== false && part.add_prefix_space === false;
  if (type === 'Split')
    return (
      behavior === (invert === true ? 'Removed' : 'Isolated') &&
      isRecord(pattern) &&
      typeof pattern.Regex === 'string' &&
      WORD_PATTERNS.has(pattern.Regex)
    );
  return ['Whitespace', 'BertPreTokenizer'].includes(String(type));
}

/** Whether the part, after or before one that splits words, looks at single characters only. */
function isLocal(part: unknown): boolean {
  if (!isRecord(part)) return false;
  return part.type === 'Digits' || (part.type === 'ByteLevel' && part.add_prefix_space === false);
}

/** Whether only places before a space are left alone; sentencepiece makes a space the mark that begins a word. */
const isAtSpaces = (part: unknown): boolean =>
  isRecord(part) &&
  (part.type === 'WhitespaceSplit' ||
    (part.type === 'Metaspace' && part.split !== false && part.add_prefix_space !== false));

/**
 * Characters before which a token that is looked for before text is split would be divided; undefined where the token also
 * looks at what stands around it.
 */
function charactersInside(token: unknown): string[] | undefined {
  if (!isRecord(token) || typeof token.content !== 'string') return undefined;
  const {content, single_word, lstrip, rstrip} = token;
  if (single_word === true || lstrip === true || rstrip === true) return undefined;
  const mayCut = cutsAtWords();
  return content.split('').filter((_, at) => at > 0 && mayCut(content, at));
}

/** Where the tokens of a checked tokenizer.json do not change when text is divided. */
export function wordCuts(json: Readonly<Record<string, unknown>>): MayCut {
  const {model, normalizer, pre_tokenizer, added_tokens} = json;
  const isPlain = parts(normalizer, 'normalizers').every(one => isRecord(one) && one.type === 'NFC');
  const isFixed =
    isRecord(model) && (model.dropout === null || model.dropout === undefined || model.dropout === 0);
  const inside = new Set<string>();
  for (const token of list(added_tokens)) {
    const characters = charactersInside(token);
    if (characters === undefined) return cutsNowhere;
    for (const character of characters) inside.add(character);
  }
  if (!isPlain || !isFixed || inside.has(' ')) return cutsNowhere;
  const splitters = parts(pre_tokenizer, 'pretokenizers');
  if (splitters.length === 1 && isAtSpaces(splitters[0])) return cutsAtSpaces;
  const first = splitters.findIndex(splitsWords);
  if (first < 0 || !splitters.every((part, i) => i === first || isLocal(part) || splitsWords(part)))
    return cutsNowhere;
  return cutsAtWords(inside);
}
