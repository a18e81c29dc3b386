// Selective copying as Mamba tests it.

import {integer, parseSettings, SettingError, said} from '../config/schema.js';
import type {PartialSelectiveCopyingSettings, SelectiveCopyingSettings} from './settings.generated.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from './task.js';
import {IGNORED, sampleRandom} from './task.js';

export const selectiveCopyingSchema = {
  vocabSize: integer(17, 4, 1 << 20, 'ids: 0 is noise, the last one asks, the rest is data'),
  length: integer(256, 2, 1 << 24, 'tokens of the context; the questions come after it (4096 in the paper)'),
  tokens: integer(16, 1, 1 << 20, 'data tokens to remember'),
} as const;

const TAG = 0x73630000;

/**
 * Data tokens at random places among noise, then one question for each, in their order.
 *
 * Example, vocabSize 6 (noise 0, data 1-4, ask 5), length 8, tokens 3, so 11 inputs:
 * ```
 * position  0  1  2  3  4  5  6  7  8  9 10
 * inputs    0  3  0  0  1  3  0  0  5  5  5
 * labels    .  .  .  .  .  .  .  .  3  1  3      ('.' is -100)
 * ```
 * Places are distinct and uniform, data tokens drawn with replacement. Quirk: the paper counts 16 ids with the noise and
 * does not say what stands at the questions; here they have an id of their own, the seventeenth.
 * Errors: SettingError when the tokens do not fit.
 * Source: Gu and Dao 2023, arXiv 2312.00752, section 4.1.1 and appendix E.1; Jing et al. 2019.
 */
export function createSelectiveCopying(given: PartialSelectiveCopyingSettings = {}): Task {
  const settings = parseSettings('selective-copying', selectiveCopyingSchema, given);
  const {vocabSize, length, tokens} = settings;
  if (tokens > length)
    throw new SettingError(
      'selective-copying',
      said`{length} must be at least {tokens} = ${tokens}, got ${length}`,
    );
  return {
    name: 'selective-copying',
    vocabSize,
    length: length + tokens,
    chance: 1 / (vocabSize - 2),
    sample: key => drawSample(settings, key),
  };
}

function drawSample({vocabSize, length, tokens}: SelectiveCopyingSettings, key: SampleKey): Sample {
  const random = sampleRandom(TAG, key);
  const inputs = new Int32Array(length + tokens);
  const labels = new Int32Array(length + tokens).fill(IGNORED);
  const queries: Query[] = [];
  const places = random.distinct(tokens, length).sort((a, b) => a - b);
  places.forEach((place, i) => {
    inputs[place] = 1 + random.integer(vocabSize - 2);
    const position = length + i;
    inputs[position] = vocabSize - 1;
    labels[position] = inputs[place];
    queries.push({position, distance: position - place});
  });
  return {inputs, labels, queries};
}

export const selectiveCopying: TaskFamily<typeof selectiveCopyingSchema> = {
  name: 'selective-copying',
  summary: "selective copying (Mamba's): repeat the data tokens scattered in noise, in order",
  definition:
    'Data tokens at random places in a context of noise; after it they are wanted in their order. Counted: the share of right ' +
    'tokens, and the share of samples without a mistake.',
  source: 'Gu and Dao 2023, arXiv 2312.00752, section 4.1.1 and appendix E.1',
  schema: selectiveCopyingSchema,
  examples: [
    [
      '--length 64 --tokens 4 --window 8 --d-model 32 --eidetic-slots 16 --batch 64 --rate 5e-3 --steps 1000 ' +
        '--ssm-output projected --stop-accuracy 0.98 --out runs/first',
      'a small setting, minutes on one core',
    ],
  ],
  create: createSelectiveCopying,
};
