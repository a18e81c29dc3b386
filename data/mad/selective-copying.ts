// MAD's selective copying.

import {integer, parseSettings, SettingError, said} from '../../config/schema.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from '../task.js';
import {IGNORED, sampleRandom} from '../task.js';
import {finiteTrainingSet} from './finite-set.js';
import type {MadSelectiveCopyingSettings, PartialMadSelectiveCopyingSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madSelectiveCopyingSchema = {
  vocabSize: integer(16, 3, 1 << 20, 'ids: data, then the blank, then the copy mark'),
  length: integer(256, 4, 1 << 24, 'tokens per sample, answer included'),
  tokens: integer(16, 1, 1 << 20, 'data tokens to copy'),
  trainExamples: trainExamples(12800),
} as const;

const TAG = 0x6d730000;

/**
 * Data tokens with blanks between them, the copy mark, then blanks, at which the data tokens are wanted in order.
 *
 * Example, vocabSize 6 (data 0-3, blank 4, copy mark 5), length 12, tokens 3:
 * ```
 * position  0  1  2  3  4  5  6  7  8  9 10 11
 * inputs    4  4  2  4  0  4  4  1  5  4  4  4
 * labels    .  .  .  .  .  .  .  .  .  2  0  1      ('.' is -100)
 * ```
 * Each blank goes before a data token drawn uniformly, so the last data token always stands beside the copy mark.
 * Training and test ask for the same. Errors: SettingError when the length cannot hold the tokens twice and the mark.
 * Source: `generate_selective_copying_instance` of athms/mad-lab.
 */
export function createMadSelectiveCopying(given: PartialMadSelectiveCopyingSettings = {}): Task {
  const settings = parseSettings('mad-selective-copying', madSelectiveCopyingSchema, given);
  const {vocabSize, length, tokens, trainExamples: examples} = settings;
  if (length < 2 * tokens + 1) {
    const least = 2 * tokens + 1;
    throw new SettingError(
      'mad-selective-copying',
      said`{length} must be at least 2 x {tokens} + 1 = ${least}, got ${length}`,
    );
  }
  const task: Task = {
    name: 'mad-selective-copying',
    vocabSize,
    length,
    chance: 1 / (vocabSize - 2),
    sample: key => drawSample(settings, key),
  };
  return finiteTrainingSet(task, examples);
}

function drawSample({vocabSize, length, tokens}: MadSelectiveCopyingSettings, key: SampleKey): Sample {
  const random = sampleRandom(TAG, key);
  const data = Array.from({length: tokens}, () => random.integer(vocabSize - 2));
  const blanksBefore = new Int32Array(tokens);
  for (let blank = length - 2 * tokens - 1; blank > 0; blank--) blanksBefore[random.integer(tokens)]++;
  const inputs = new Int32Array(length).fill(vocabSize - 2);
  const labels = new Int32Array(length).fill(IGNORED);
  const queries: Query[] = [];
  let at = 0;
  data.forEach((id, i) => {
    at += blanksBefore[i];
    inputs[at] = id;
    const position = length - tokens + i;
    labels[position] = id;
    queries.push({position, distance: position - at});
    at++;
  });
  inputs[length - tokens - 1] = vocabSize - 1;
  return {inputs, labels, queries};
}

export const madSelectiveCopying: TaskFamily<typeof madSelectiveCopyingSchema> = {
  name: 'mad-selective-copying',
  summary: 'MAD selective copying: repeat the data tokens in order, leave out the blanks between them',
  definition:
    'Data tokens with blanks between them, a copy mark, then as many blanks as there were data tokens; there the data tokens ' +
    'are wanted in their order. Trained and tested on those places alone.',
  source: MAD_SOURCE,
  schema: madSelectiveCopyingSchema,
  modelDefaults: madModel,
  trainDefaults: madTraining,
  create: createMadSelectiveCopying,
};
