// Multi-query associative recall, the task of Zoology (Arora et al., ICLR 2024, arXiv 2312.04927).

import {choice, integer, number, parseSettings, SettingError, said} from '../config/schema.js';
import {randomStream, weightedDistinct} from './random.js';
import type {MqarSettings, PartialMqarSettings} from './settings.generated.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from './task.js';
import {IGNORED} from './task.js';

/** Settings of {@link createMqar} with their defaults, bounds and reasons. */
export const mqarSchema = {
  vocabSize: integer(512, 4, 1 << 20, 'ids: 0 is filler, the lower half keys, the upper half values'),
  length: integer(256, 4, 1 << 20, 'tokens per sample, even; at least 4 x pairs'),
  pairs: integer(16, 1, 1 << 18, 'key-value pairs to remember, each asked for once'),
  powerA: number(
    0.01,
    0.001,
    1,
    'exponent a of slot weights (slot+1)^(a-1): 0.01 asks mostly soon, 1 any time',
  ),
  filler: choice(
    ['random', 'distinct', 'zero'],
    'random',
    'tokens between queries: random ids distract (harder), distinct ones too, but are no key of the sample and no value, zero is plain',
  ),
} as const;

const SPLIT_TAG = {train: 0x6d716101, test: 0x6d716102} as const;

/**
 * MQAR: pairs `k v k v ...` first, then each key once more, alone, at a random even offset; the label there is its value.
 *
 * Example, vocabSize 16 (keys 1-7, values 8-15), length 12, pairs 2, filler zero:
 * ```
 * position  0  1  2  3  4  5  6  7  8  9 10 11
 * inputs    5 11  2  8  0  0  2  0  5  0  0  0
 * labels    .  .  .  .  .  .  8  . 11  .  .  .      ('.' is -100)
 * ```
 * Key 2 is asked at position 6, 3 tokens behind its value; key 5 at position 8, distance 7.
 * Keys are distinct, values are distinct. Slot j, at position 2 pairs + 2 j, is drawn without replacement with weight
 * (j+1)^(powerA-1); the first key draws first. With filler `random` every id 0 becomes a uniform id of the whole
 * vocabulary, which may by chance be a key of the sample: it stays unlabelled. With `distinct` it becomes one of the lower
 * half's that are no key of the sample, so that every question has one answer.
 * Errors: SettingError for settings that cannot hold the pairs.
 * Source: `multiquery_ar` of HazyResearch/zoology, without its demand vocabSize > length, which no step needs.
 */
export function createMqar(given: PartialMqarSettings = {}): Task {
  const settings = parseSettings('mqar', mqarSchema, given);
  const {vocabSize, length, pairs, powerA} = settings;
  const keys = Math.floor(vocabSize / 2) - 1;
  const values = vocabSize - Math.floor(vocabSize / 2);
  if (length % 2 !== 0) throw new SettingError('mqar', said`{length} must be even, got ${length}`);
  if (4 * pairs > length)
    throw new SettingError('mqar', said`{length} must be at least 4 x {pairs} = ${4 * pairs}, got ${length}`);
  if (keys < pairs) {
    throw new SettingError(
      'mqar',
      said`{vocabSize} must be at least 2 x ({pairs} + 1) = ${2 * (pairs + 1)} for distinct keys, got ${vocabSize}`,
    );
  }
  if (settings.filler === 'distinct' && keys === pairs) {
    throw new SettingError(
      'mqar',
      said`{vocabSize} must be at least ${2 * (pairs + 2)} with {filler} distinct, so that an id of the lower half is no key, got ${vocabSize}`,
    );
  }
  const slots = length / 2 - pairs;
  const logWeights = Array.from({length: slots}, (_, slot) => (powerA - 1) * Math.log(slot + 1));
  return {
    name: 'mqar',
    vocabSize,
    length,
    chance: 1 / values,
    ...(pairs > 1 ? {guess: 1 / pairs} : {}),
    sample: key => drawSample(settings, logWeights, key),
  };
}

function drawSample(settings: MqarSettings, logWeights: readonly number[], key: SampleKey): Sample {
  const {vocabSize, length, pairs} = settings;
  const half = Math.floor(vocabSize / 2);
  const random = randomStream([key.seed, SPLIT_TAG[key.split]], key.index);
  const inputs = new Int32Array(length);
  const labels = new Int32Array(length).fill(IGNORED);
  const queries: Query[] = [];
  const keys = random.distinct(pairs, half - 1).map(id => id + 1);
  const values = random.distinct(pairs, vocabSize - half).map(id => id + half);
  const slots = weightedDistinct(random, logWeights, pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const position = 2 * pairs + 2 * slots[pair];
    inputs[2 * pair] = keys[pair];
    inputs[2 * pair + 1] = values[pair];
    inputs[position] = keys[pair];
    labels[position] = values[pair];
    queries.push({position, distance: position - (2 * pair + 1)});
  }
  if (settings.filler === 'random') fill(inputs, () => random.integer(vocabSize));
  if (settings.filler === 'distinct') {
    const known = new Set(keys);
    const others = Array.from({length: half - 1}, (_, i) => i + 1).filter(id => !known.has(id));
    fill(inputs, () => others[random.integer(others.length)]);
  }
  return {inputs, labels, queries: queries.sort((a, b) => a.position - b.position)};
}

function fill(inputs: Int32Array, draw: () => number): void {
  for (let i = 0; i < inputs.length; i++) if (inputs[i] === 0) inputs[i] = draw();
}

/**
 * Multi-query associative recall with its settings: what the command line and reports know of
 * {@link createMqar}.
 */
export const mqar: TaskFamily<typeof mqarSchema> = {
  name: 'mqar',
  summary: 'multi-query associative recall: remember key-value pairs, give the value when a key returns',
  definition:
    'Key-value pairs come first, then every key once more at a random later place; there its value is wanted. Counted: ' +
    'the share of right values over all questions, and the mean over samples of that share.',
  source: 'Zoology (Arora et al., ICLR 2024, arXiv 2312.04927), multiquery_ar of HazyResearch/zoology',
  schema: mqarSchema,
  // The rates of the example run in the README: the state-space parameters want about three times the others' rate.
  trainDefaults: {rate: 2e-3, ssmRateFactor: 3},
  examples: [
    [
      '--length 64 --pairs 4 --vocab-size 64 --window 8 --d-model 32 --eidetic-slots 16 --batch 64 --steps 1500 ' +
        '--rate 5e-3 --ssm-rate-factor 1 --ssm-output projected --stop-accuracy 0.98 --out runs/first',
      'a small setting, minutes on one core',
    ],
  ],
  create: createMqar,
};
