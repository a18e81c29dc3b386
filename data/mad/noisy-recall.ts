// MAD's noisy in-context recall.

import {integer, number, parseSettings, SettingError, said} from '../../config/schema.js';
import type {Task, TaskFamily} from '../task.js';
import {recallTask} from './in-context-recall.js';
import type {PartialMadNoisyRecallSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madNoisyRecallSchema = {
  vocabSize: integer(32, 6, 1 << 20, 'ids, those of the noise included'),
  noiseVocab: integer(16, 2, 1 << 20, 'ids of the noise, the last ones; the rest is half keys, half values'),
  noiseShare: number(0.2, 0, 1, 'probability that two noise ids stand in place of a pair'),
  length: integer(128, 6, 1 << 20, 'tokens drawn, even; a sample has one input less'),
  trainExamples: trainExamples(12800),
} as const;

const TAG = 0x6d6e0000;

/**
 * In-context recall with noise between the pairs.
 *
 * Example, vocabSize 8, noiseVocab 4 (keys 0-1, values 2-3, noise 4-7), length 12, so 11 inputs:
 * ```
 * position      0  1  2  3  4  5  6  7  8  9 10
 * inputs        1  3  6  4  0  3  1  3  7  7  0
 * labels, train 3  6  4  0  3  1  3  7  7  0  3      (the next token everywhere, noise too)
 * labels, test  .  .  .  .  .  .  3  .  .  .  3      ('.' is -100)
 * ```
 * One slot, drawn uniformly, is never noise, so that there is a key to repeat at the end.
 * Errors: SettingError for an odd length or an odd number of keys and values.
 * Source: `generate_noisy_in_context_recall_instance` of athms/mad-lab.
 */
export function createMadNoisyRecall(given: PartialMadNoisyRecallSettings = {}): Task {
  const settings = parseSettings('mad-noisy-recall', madNoisyRecallSchema, given);
  const {vocabSize, noiseVocab, noiseShare, length, trainExamples: examples} = settings;
  const meaning = vocabSize - noiseVocab;
  if (meaning < 2 || meaning % 2 !== 0) {
    throw new SettingError(
      'mad-noisy-recall',
      said`{vocabSize} - {noiseVocab} must be even and at least 2, got ${vocabSize} - ${noiseVocab} = ${meaning}`,
    );
  }
  const shape = {keys: meaning / 2, noise: noiseVocab, noiseShare, length};
  return recallTask('mad-noisy-recall', TAG, shape, examples);
}

export const madNoisyRecall: TaskFamily<typeof madNoisyRecallSchema> = {
  name: 'mad-noisy-recall',
  summary: 'MAD noisy recall: in-context recall with noise ids between the pairs',
  definition:
    'In-context recall in which two noise ids stand in place of a pair with a given probability. Trained on the next ' +
    'token at every position, noise included; tested on the values of keys that were seen before.',
  source: MAD_SOURCE,
  schema: madNoisyRecallSchema,
  modelDefaults: madModel,
  trainDefaults: madTraining,
  create: createMadNoisyRecall,
};
