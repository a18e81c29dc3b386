// MAD's memorization: facts that are learned in the weights.

import {integer, parseSettings, SettingError, said} from '../../config/schema.js';
import {randomStream} from '../random.js';
import type {Query, Task, TaskFamily} from '../task.js';
import {IGNORED, sampleRandom} from '../task.js';
import {finiteTrainingSet} from './finite-set.js';
import type {PartialMadMemorizationSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madMemorizationSchema = {
  vocabSize: integer(256, 4, 1 << 20, 'ids: keys, values, and the last one, which asks for a value'),
  length: integer(32, 2, 1 << 20, 'tokens per sample, even'),
  mapSeed: integer(
    12345,
    0,
    2 ** 31 - 1,
    'seed of the map from keys to values, the same in training and test',
  ),
  trainExamples: trainExamples(256),
} as const;

const TAG = 0x6d6d0000;

/**
 * One fixed map from keys to values; samples ask for values that the sequence never shows.
 *
 * Example, vocabSize 8 (keys 0-2, values 3-6, ask 7), length 6, a map with 0 -> 5 and 2 -> 3:
 * ```
 * position  0  1  2  3  4  5
 * inputs    2  7  0  7  2  7
 * labels    .  3  .  5  .  3      ('.' is -100)
 * ```
 * With an odd number of usable ids one value belongs to no key. Training and test ask for the same map.
 * Errors: SettingError for an odd length. Source: `generate_memorization_instance` of athms/mad-lab.
 */
export function createMadMemorization(given: PartialMadMemorizationSettings = {}): Task {
  const settings = parseSettings('mad-memorization', madMemorizationSchema, given);
  const {vocabSize, length, mapSeed, trainExamples: examples} = settings;
  if (length % 2 !== 0)
    throw new SettingError('mad-memorization', said`{length} must be even, got ${length}`);
  const keys = Math.floor((vocabSize - 1) / 2);
  const values = vocabSize - 1 - keys;
  const map = randomStream([mapSeed, TAG], 0)
    .distinct(keys, values)
    .map(id => keys + id);
  const task: Task = {
    name: 'mad-memorization',
    vocabSize,
    length,
    chance: 1 / values,
    sample: sampleKey => {
      const random = sampleRandom(TAG, sampleKey);
      const inputs = new Int32Array(length).fill(vocabSize - 1);
      const labels = new Int32Array(length).fill(IGNORED);
      const queries: Query[] = [];
      for (let position = 1; position < length; position += 2) {
        const key = random.integer(keys);
        inputs[position - 1] = key;
        labels[position] = map[key];
        queries.push({position, distance: 0});
      }
      return {inputs, labels, queries};
    },
  };
  return finiteTrainingSet(task, examples);
}

export const madMemorization: TaskFamily<typeof madMemorizationSchema> = {
  name: 'mad-memorization',
  summary: 'MAD memorization: learn a fixed map from keys to values in the weights',
  definition:
    'Keys of one fixed map, each followed by a mark at which its value is wanted; the sequence never shows a value, so the map ' +
    'must be learned in the weights. Training and test use the same map.',
  source: MAD_SOURCE,
  schema: madMemorizationSchema,
  modelDefaults: madModel,
  trainDefaults: {...madTraining, steps: 400, evalEvery: 50},
  examples: [
    [
      '--d-model 32 --heads 2 --rate 3e-3 --steps 100 --batch 64 --eval-every 20 --eval-samples 256 ' +
        '--stop-accuracy 0.98 --out runs/first',
      'a small setting, seconds on one core',
    ],
  ],
  create: createMadMemorization,
};
