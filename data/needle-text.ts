// Needles in a haystack as text for language models: niah_single_1 and its multi-key and multi-value forms (RULER, Hsieh et
// al., COLM 2024, arXiv 2404.06654).

import {SettingError} from '../config/schema.js';
import type {Random} from './random.js';
import {randomStream} from './random.js';
import type {Tokenizer} from './tokenizers/index.js';

export const needleKinds = ['single', 'multi-key', 'multi-value'] as const;
export type NeedleKind = (typeof needleKinds)[number];

/** Which prompts are made, but for their number. */
export interface NeedleTextKind {
  /** One needle, several of which one is asked, or several that are all asked. */
  readonly kind: NeedleKind;
  /** Tokens of prompt and answer, at most. */
  readonly length: number;
  /** Place of the first wanted needle among the lines of the haystack, 0 its start, 1 its end. */
  readonly depth: number;
  /** Seed of the prompts, an integer in [0, 2^32). */
  readonly seed: number;
}

export interface NeedleTextSettings extends NeedleTextKind {
  /** Number of the prompt, an integer in [0, 2^32). */
  readonly index: number;
}

/** A prompt with its answer, as tokens. */
export interface NeedleText {
  readonly ids: Int32Array;
  /** First token of the answer. */
  readonly begin: number;
  /** Tokens from the needle's line to the end of the prompt. */
  readonly distance: number;
}

const TAG = 0x6e740001;
const LINE = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.';
const FIRST = 'calm bright small silent early broad gentle golden hidden plain quick round'.split(' ');
const SECOND = 'river garden window harbor lantern meadow copper island forest kettle saddle tower'.split(
  ' ',
);
/** Needles of the forms with several. */
const SEVERAL = 4;

const needleLine = (key: string, value: string): string =>
  `One of the special magic numbers for ${key} is: ${value}.`;

function drawKeys(random: Random, count: number): string[] {
  return random
    .distinct(count, FIRST.length * SECOND.length)
    .map(number => `${FIRST[number % FIRST.length]}-${SECOND[Math.floor(number / FIRST.length)]}`);
}

const drawNumber = (random: Random): string => String(1000000 + random.integer(9000000));

interface Words {
  readonly context: (lines: number) => {text: string; needleAt: number};
  readonly question: string;
  readonly answer: string;
}

function compose({kind, depth, seed, index}: NeedleTextSettings): Words {
  const random = randomStream([seed, TAG], index);
  const keys = drawKeys(random, kind === 'multi-key' ? SEVERAL : 1);
  const values = Array.from({length: kind === 'single' ? 1 : SEVERAL}, () => drawNumber(random));
  const needles = values.map((value, i) => needleLine(keys[kind === 'multi-key' ? i : 0], value));
  // Distractors lie anywhere, further values of the key behind the first.
  const least = kind === 'multi-value' ? depth : 0;
  const spots = needles.map((_, i) => (i === 0 ? depth : least + (1 - least) * random.uniform()));
  if (kind === 'multi-value') spots.sort((a, b) => a - b);
  const wanted = kind === 'multi-value' ? values : values.slice(0, 1);
  const [noun, verb] = wanted.length > 1 ? ['numbers', 'are'] : ['number', 'is'];
  const intro =
    wanted.length > 1
      ? 'Some special magic numbers are hidden within the following text. Make sure to memorize them. I will quiz you about the numbers afterwards.'
      : 'A special magic number is hidden within the following text. Make sure to memorize it. I will quiz you about the number afterwards.';
  const about = `the special magic ${noun} for ${keys[0]} mentioned in the provided text`;
  return {
    context: lines => {
      const hay = Array.from({length: lines}, () => LINE);
      const order = needles
        .map((text, i) => ({text, at: Math.round(spots[i] * lines), first: i === 0}))
        .reverse()
        .sort((a, b) => b.at - a.at);
      for (const {text, at} of order) hay.splice(at, 0, text);
      const needle = needles[0];
      const before = hay.slice(0, hay.indexOf(needle)).join('\n');
      return {text: `${intro}\n${hay.join('\n')}\n`, needleAt: intro.length + 1 + before.length};
    },
    question: `What ${verb} ${about}? The special magic ${noun} for ${keys[0]} mentioned in the provided text ${verb}`,
    answer: wanted.length > 1 ? ` ${wanted.slice(0, -1).join(', ')}, and ${wanted.at(-1)}` : ` ${wanted[0]}`,
  };
}

/**
 * The fewest tokens that hold every prompt of some forms, and the form that needs most.
 * Errors: TokenizerError for a vocabulary that cannot express the text.
 */
export function leastNeedleTokens(
  {kinds, samples, seed}: {kinds: readonly NeedleKind[]; samples: number; seed: number},
  tokenizer: Tokenizer,
): {kind: NeedleKind; tokens: number} {
  tokenizer.encode(LINE);
  let most = {kind: kinds[0], tokens: 0};
  for (const kind of kinds)
    for (let index = 0; index < samples; index++) {
      const {context, question, answer} = compose({kind, length: 0, depth: 0, seed, index});
      const tokens = tokenizer.encode(context(0).text + question + answer).length;
      if (tokens > most.tokens) most = {kind, tokens};
    }
  return most;
}

/**
 * The longest prompt of whole haystack lines that fits into `length` tokens with its answer.
 *
 * Example, single:
 * ```
 * A special magic number is hidden within the following text. Make sure to memorize it. I will quiz you about ...
 * The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.
 * One of the special magic numbers for calm-river is: 4821937.
 * The grass is green. ...
 * What is the special magic number for calm-river mentioned in the provided text? The special magic number for
 * calm-river mentioned in the provided text is 4821937
 * ```
 * Quirks: the source generates freely and looks for the value in 128 tokens; here the answer must follow at once, with the
 * wording shown, so that base models of any size can be scored. Its haystack of essays is not part of this form.
 * Errors: SettingError when not even the needles fit; TokenizerError for a vocabulary that cannot express the text.
 */
export function needleText(settings: NeedleTextSettings, tokenizer: Tokenizer): NeedleText {
  const {length} = settings;
  const words = compose(settings);
  const encode = (lines: number): Int32Array => {
    const {text} = words.context(lines);
    return tokenizer.encode(text + words.question + words.answer);
  };
  const least = encode(0).length;
  if (least > length)
    throw new SettingError(
      `needle-text: length must be at least ${least} tokens for ${settings.kind} with this tokenizer, got ${length}`,
    );
  const each = Math.max(1, (encode(8).length - least) / 8);
  let lines = Math.floor((length - least) / each) + 1;
  let ids = encode(lines);
  while (ids.length > length) ids = encode(--lines);
  const {text, needleAt} = words.context(lines);
  const begin = tokenizer.encode(text + words.question).length;
  return {ids, begin, distance: begin - tokenizer.encode(text.slice(0, needleAt)).length};
}
