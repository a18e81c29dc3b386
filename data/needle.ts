// Needles in a haystack with a vocabulary of a few dozen ids: the single, multi-key and multi-value tests of RULER
// (Hsieh et al., COLM 2024, arXiv 2404.06654) for models too small to read.

import {choice, integer, number, parseSettings, SettingError, said} from '../config/schema.js';
import type {Random} from './random.js';
import type {NeedleSettings, PartialNeedleSettings} from './settings.generated.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from './task.js';
import {IGNORED, sampleRandom} from './task.js';

export const needleSchema = {
  length: integer(288, 8, 1 << 24, 'tokens per sample, questions included'),
  keys: integer(1, 1, 1024, 'keys with needles of their own (multi-key above 1)'),
  queries: integer(1, 1, 1024, 'keys that are asked for, one after the other (multi-query above 1)'),
  values: integer(1, 1, 64, 'needles for each key; all its values are wanted (multi-value above 1)'),
  digits: integer(2, 1, 64, 'tokens of a value; all must be right'),
  keyIds: integer(32, 1, 1 << 16, 'ids that serve as keys'),
  digitIds: integer(10, 2, 1 << 16, 'ids that serve as digits'),
  fillerIds: integer(20, 1, 1 << 16, 'ids of the haystack'),
  filler: choice(
    ['cycle', 'random'],
    'cycle',
    'haystack: the same ids in the same order over and over, as in niah_single_1, or drawn uniformly',
  ),
  minDepth: number(0, 0, 1, 'smallest depth of a needle, as a share of the haystack'),
  maxDepth: number(1, 0, 1, 'largest depth of a needle; 0 is its start, 1 its end'),
} as const;

const TAG = 0x6e690000;
/** Before a needle, and before the question. */
const MARK = 0;
const ASK = 1;

/**
 * Needles `MARK key digits` somewhere in a haystack; at the end `ASK key` and then every value of that key in the order
 * of its needles, once for each key asked for. Each token of an answer is wanted at the position before it.
 *
 * Example, length 16, keys 2, digits 2, keyIds 4 (ids 2-5), digitIds 4 (ids 6-9), fillerIds 3 (ids 10-12):
 * ```
 * position  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
 * inputs   10 11  0  4  7  9 12 10  0  2  6  6 11  1  4  7
 * labels    .  .  .  .  .  .  .  .  .  .  .  .  .  .  7  9      ('.' is -100)
 * ```
 * The last token of an answer is not put in: nothing needs it, and it would tell later questions what is left. Keys are distinct; digits are drawn
 * with replacement. A needle never splits another one; places are drawn uniformly between the depths given.
 * A distance counts from the wanted digit's place in the needle to the query; a sample counts as found when all tokens of the answer are right.
 * Quirk: the answer is given back as input token by token, so greedy decoding would give the same whole answers.
 * Errors: SettingError when the needles do not fit.
 */
export function createNeedle(given: PartialNeedleSettings = {}): Task {
  const settings = parseSettings('needle', needleSchema, given);
  const {length, keys, queries, values, digits, keyIds, digitIds, fillerIds, minDepth, maxDepth} = settings;
  const haystack = haystackLength(settings);
  if (keyIds < keys)
    throw new SettingError('needle', said`{keyIds} must be at least {keys} = ${keys}, got ${keyIds}`);
  if (queries > keys)
    throw new SettingError('needle', said`{queries} must be at most {keys} = ${keys}, got ${queries}`);
  if (minDepth > maxDepth)
    throw new SettingError(
      'needle',
      said`{minDepth} must be at most {maxDepth} = ${maxDepth}, got ${minDepth}`,
    );
  if (haystack < 1) {
    const least = length - haystack + 1;
    throw new SettingError(
      'needle',
      said`{length} must be at least ${least} for ${keys} x ${values} needles of ${digits} digits, got ${length}`,
    );
  }
  return {
    name: 'needle',
    vocabSize: 2 + keyIds + digitIds + fillerIds,
    length,
    chance: 1 / digitIds,
    sample: key => drawSample(settings, key),
  };
}

/** Tokens between the needles. */
function haystackLength({length, keys, queries, values, digits}: NeedleSettings): number {
  return length - keys * values * (2 + digits) - queries * (1 + values * digits);
}

interface Needle {
  readonly key: number;
  readonly digits: readonly number[];
  /** Haystack tokens before it. */
  readonly place: number;
}

function drawSample(settings: NeedleSettings, sampleKey: SampleKey): Sample {
  const {length, keys, queries, values, digits, keyIds, digitIds} = settings;
  const random = sampleRandom(TAG, sampleKey);
  const keyNames = random.distinct(keys, keyIds).map(id => 2 + id);
  const needles: Needle[] = keyNames
    .flatMap(key =>
      Array.from({length: values}, () => ({
        key,
        digits: Array.from({length: digits}, () => 2 + keyIds + random.integer(digitIds)),
        place: placeOf(settings, random),
      })),
    )
    .sort((a, b) => a.place - b.place);
  const tokens: number[] = [];
  /** Where the digits of each key's values stand. */
  const places = new Map<number, number[]>(keyNames.map(key => [key, []]));
  const filler = fillerOf(settings, random);
  let hay = 0;
  for (const {place, key, digits: value} of needles) {
    for (; hay < place; hay++) tokens.push(filler());
    tokens.push(MARK, key);
    for (const digit of value) {
      places.get(key)?.push(tokens.length);
      tokens.push(digit);
    }
  }
  for (const total = haystackLength(settings); hay < total; hay++) tokens.push(filler());
  const labels = new Int32Array(length).fill(IGNORED);
  const asked: Query[] = [];
  for (const key of keyNames.slice(0, queries)) {
    tokens.push(ASK, key);
    for (const [i, place] of (places.get(key) ?? []).entries()) {
      const position = tokens.length - 1;
      labels[position] = tokens[place];
      asked.push({position, distance: position - place});
      if (i < values * digits - 1) tokens.push(tokens[place]);
    }
  }
  return {inputs: Int32Array.from(tokens), labels, queries: asked};
}

function placeOf(settings: NeedleSettings, random: Random): number {
  const {minDepth, maxDepth} = settings;
  const total = haystackLength(settings);
  const first = Math.ceil(minDepth * total);
  const last = Math.max(first, Math.floor(maxDepth * total));
  return first + random.integer(last - first + 1);
}

/** The haystack's next id; a cycle starts anywhere. */
function fillerOf({keyIds, digitIds, fillerIds, filler}: NeedleSettings, random: Random): () => number {
  const first = 2 + keyIds + digitIds;
  if (filler === 'random') return () => first + random.integer(fillerIds);
  let at = random.integer(fillerIds);
  return () => first + (at++ % fillerIds);
}

export const needle: TaskFamily<typeof needleSchema> = {
  name: 'needle',
  summary: 'needle in a haystack, single, multi-key, multi-value and multi-query, at any distance',
  definition:
    'Needles (a mark, a key, some digits) lie in a haystack of tokens that repeat in a cycle; at the end keys are ' +
    'named and every digit of their values must be given. Counted: the share of right digits, and the share of samples ' +
    'with all digits right.',
  source:
    'after niah_single_1, niah_multikey, niah_multivalue and niah_multiquery of RULER (Hsieh et al., COLM 2024, arXiv 2404.06654), with a ' +
    "vocabulary of a few dozen ids: this project's own form",
  schema: needleSchema,
  examples: [
    [
      '--length 64 --window 8 --d-model 32 --eidetic-slots 16 --batch 64 --rate 5e-3 --steps 500 ' +
        '--stop-accuracy 0.98 --out runs/first',
      'a small setting, half a minute on one core',
    ],
  ],
  create: createNeedle,
};
