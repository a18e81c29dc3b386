// MAD's compression: rebuild a random sequence from one vector.

import {integer, parseSettings} from '../../config/schema.js';
import type {Task, TaskFamily} from '../task.js';
import {sampleRandom} from '../task.js';
import {finiteTrainingSet} from './finite-set.js';
import type {PartialMadCompressionSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madCompressionSchema = {
  vocabSize: integer(16, 2, 1 << 20, 'ids: the last one is the compression mark'),
  length: integer(32, 2, 1 << 20, 'tokens per sample, the mark included'),
  trainExamples: trainExamples(12800),
} as const;

const TAG = 0x6d630000;

/**
 * Random ids and the compression mark; the model must give every one of them back from its vector at the mark.
 *
 * Example, vocabSize 4 (data 0-2, mark 3), length 6:
 * ```
 * position  0  1  2  3  4  5
 * inputs    2  0  0  1  2  3
 * labels    2  0  0  1  2  3
 * ```
 * It needs the auto-encoder backbone: a causal model would see each answer. The mark itself is asked for too, and is
 * always right, as in the source. Distances count from each token to the mark.
 * Errors: SettingError for a bad setting.
 * Source: `generate_compression_instance` of athms/mad-lab.
 */
export function createMadCompression(given: PartialMadCompressionSettings = {}): Task {
  const settings = parseSettings('mad-compression', madCompressionSchema, given);
  const {vocabSize, length, trainExamples: examples} = settings;
  const task: Task = {
    name: 'mad-compression',
    vocabSize,
    length,
    chance: 1 / (vocabSize - 1),
    backbone: 'autoencoder',
    sample: key => {
      const random = sampleRandom(TAG, key);
      const inputs = Int32Array.from({length}, (_, i) =>
        i === length - 1 ? vocabSize - 1 : random.integer(vocabSize - 1),
      );
      const queries = Array.from({length}, (_, position) => ({position, distance: length - 1 - position}));
      return {inputs, labels: inputs.slice(), queries};
    },
  };
  return finiteTrainingSet(task, examples);
}

export const madCompression: TaskFamily<typeof madCompressionSchema> = {
  name: 'mad-compression',
  summary: 'MAD compression: rebuild a random sequence from the last position alone (auto-encoder)',
  definition:
    'Random tokens and a mark; an encoder of the mixers under test reads them, and a small network per position must give ' +
    "every token back from the encoder's last vector and a sine-cosine code of the position.",
  source: MAD_SOURCE,
  schema: madCompressionSchema,
  modelDefaults: madModel,
  trainDefaults: madTraining,
  create: createMadCompression,
};
