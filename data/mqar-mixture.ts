// MQAR trained on a mixture of lengths and numbers of pairs and tested beyond both, as in the recall-memory trade-off of
// Based (Arora et al., ICML 2024, arXiv 2402.18668).

import {integer, parseSettings, SettingError, said, text} from '../config/schema.js';
import {createMqar, mqarSchema} from './mqar.js';
import {randomStream} from './random.js';
import type {PartialMqarMixtureSettings} from './settings.generated.js';
import type {Task, TaskFamily} from './task.js';

/** Settings of {@link createMqarMixture} with their defaults, bounds and reasons. */
export const mqarMixtureSchema = {
  vocabSize: integer(8192, 4, 1 << 20, 'ids: 0 is filler, the lower half keys, the upper half values'),
  parts: text(
    '64x4:5,128x8:1,256x16:1,256x32:1,256x64:1',
    'training parts, LENGTHxPAIRS:WEIGHT separated by commas',
  ),
  testParts: text(
    '64x4,64x8,64x16,128x32,256x64,512x128,1024x256',
    'held-out parts, LENGTHxPAIRS, equally many samples each',
  ),
  block: integer(
    256,
    1,
    1 << 20,
    'training samples of one part in a row: a multiple of the batch keeps batches unmixed',
  ),
  powerA: mqarSchema.powerA,
  filler: mqarSchema.filler,
} as const;

const TAG = 0x6d780001;
/** Held-out samples of one part in a row. */
const TEST_BLOCK = 64;

interface Part {
  readonly length: number;
  readonly pairs: number;
  readonly weight: number;
}

function parseParts(name: string, words: string): Part[] {
  return words.split(',').map(word => {
    const found = /^(\d+)x(\d+)(?::(\d+(?:\.\d+)?))?$/.exec(word.trim());
    const weight = Number(found?.[3] ?? 1);
    if (found === null || weight === 0) {
      throw new SettingError(
        'mqar-mixture',
        said`{${name}} must be LENGTHxPAIRS or LENGTHxPAIRS:WEIGHT separated by commas, got ${JSON.stringify(word)}`,
      );
    }
    return {length: Number(found[1]), pairs: Number(found[2]), weight};
  });
}

/**
 * Each block of training samples belongs to one part, drawn by weight; held-out samples take the test parts in turn.
 *
 * Example, parts 8x1:1,12x2:1, vocabSize 16, filler zero; the second sample is longer than the first:
 * ```
 * inputs  5 11  0  0  5  0  0  0
 * labels  .  .  .  . 11  .  .  .      ('.' is -100)
 * inputs  5 11  2  8  0  0  2  0  5  0  0  0
 * labels  .  .  .  .  .  .  8  . 11  .  .  .
 * ```
 * Quirk: the source trains on fixed examples, part after part, in the same order every epoch; here samples never repeat.
 * Errors: SettingError for parts that cannot be read or cannot hold their pairs.
 * Source: the arxiv24_based_figure2 sweep of HazyResearch/zoology; accuracy there is the plain mean over the test parts.
 */
export function createMqarMixture(given: PartialMqarMixtureSettings = {}): Task {
  const settings = parseSettings('mqar-mixture', mqarMixtureSchema, given);
  const {vocabSize, powerA, filler, block} = settings;
  const make = ({length, pairs, weight}: Part) => ({
    task: createMqar({vocabSize, length, pairs, powerA, filler}),
    weight,
  });
  const train = parseParts('parts', settings.parts).map(make);
  const test = parseParts('testParts', settings.testParts).map(make);
  const total = train.reduce((sum, {weight}) => sum + weight, 0);
  const trainPart = (seed: number, index: number): Task => {
    let left = total * randomStream([seed, TAG], Math.floor(index / block)).uniform();
    return (
      train.find(({weight}) => {
        left -= weight;
        return left <= 0;
      }) ?? train[train.length - 1]
    ).task;
  };
  const all = [...train, ...test].map(({task}) => task);
  return {
    name: 'mqar-mixture',
    vocabSize,
    length: Math.max(...all.map(({length}) => length)),
    chance: all[0].chance,
    guess: test.reduce((sum, {task}) => sum + (task.guess ?? 1), 0) / test.length,
    batchShapes: train.length,
    sample: key =>
      key.split === 'train'
        ? trainPart(key.seed, key.index).sample(key)
        : test[Math.floor(key.index / TEST_BLOCK) % test.length].task.sample(key),
  };
}

export const mqarMixture: TaskFamily<typeof mqarMixtureSchema> = {
  name: 'mqar-mixture',
  summary: 'MQAR on a mixture of lengths and pairs, tested with longer sequences and more pairs than trained',
  definition:
    'Multi-query associative recall, trained on a mixture of lengths L and numbers of pairs K and tested part by part, with more ' +
    'pairs and longer sequences than were trained. The headline number is the plain mean over the parts.',
  source:
    'Based (Arora et al., ICML 2024, arXiv 2402.18668), the arxiv24_based_figure2 sweep of HazyResearch/zoology',
  schema: mqarMixtureSchema,
  sweep: {testParts: ['64x4', '64x8', '64x16', '128x32', '256x64', '512x128', '1024x256']},
  trained: ({parts, testParts}) => ({
    testParts: [...parseParts('testParts', testParts), ...parseParts('parts', parts)].map(
      ({length, pairs}) => `${length}x${pairs}`,
    ),
  }),
  examples: [
    [
      '--vocab-size 64 --parts 16x2:1,32x4:1,64x8:2 --test-parts 64x8 --block 64 --filler zero --window 8 --d-model 32 ' +
        '--eidetic-slots 24 --batch 64 --steps 2400 --rate 1.5e-2 --eval-every 300 --eval-samples 256 --stop-accuracy 0.985 --out runs/first',
      'what the quickstart trains, minutes on one core',
    ],
  ],
  create: createMqarMixture,
};
