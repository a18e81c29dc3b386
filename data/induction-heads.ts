// Induction heads with length extrapolation, as Mamba tests it.

import {integer, parseSettings} from '../config/schema.js';
import type {InductionHeadsSettings, PartialInductionHeadsSettings} from './settings.generated.js';
import type {Sample, SampleKey, Task, TaskFamily} from './task.js';
import {IGNORED, sampleRandom} from './task.js';

export const inductionHeadsSchema = {
  vocabSize: integer(16, 3, 1 << 20, 'ids: 0 is the special token, the rest is drawn uniformly'),
  length: integer(256, 4, 1 << 24, 'tokens per sample'),
} as const;

const TAG = 0x69680000;

/**
 * Random tokens with the special token at one random place and at the end; the token after its first place is wanted.
 *
 * Example, vocabSize 8, length 10:
 * ```
 * position  0  1  2  3  4  5  6  7  8  9
 * inputs    5  2  7  0  3  3  6  1  4  0
 * labels    .  .  .  .  .  .  .  .  .  3      ('.' is -100)
 * ```
 * The first place is uniform in [0, length - 3]. Train at 256, test at any other length.
 * Errors: SettingError for a bad setting.
 * Source: Gu and Dao 2023, arXiv 2312.00752, section 4.1.2 and appendix E.1; Olsson et al. 2022.
 */
export function createInductionHeads(given: PartialInductionHeadsSettings = {}): Task {
  const settings = parseSettings('induction-heads', inductionHeadsSchema, given);
  return {
    name: 'induction-heads',
    vocabSize: settings.vocabSize,
    length: settings.length,
    chance: 1 / (settings.vocabSize - 1),
    sample: key => drawSample(settings, key),
  };
}

function drawSample({vocabSize, length}: InductionHeadsSettings, key: SampleKey): Sample {
  const random = sampleRandom(TAG, key);
  const inputs = Int32Array.from({length}, () => 1 + random.integer(vocabSize - 1));
  const first = random.integer(length - 2);
  const position = length - 1;
  inputs[first] = 0;
  inputs[position] = 0;
  const labels = new Int32Array(length).fill(IGNORED);
  labels[position] = inputs[first + 1];
  return {inputs, labels, queries: [{position, distance: position - first - 1}]};
}

export const inductionHeads: TaskFamily<typeof inductionHeadsSchema> = {
  name: 'induction-heads',
  summary: "induction heads (Mamba's): what followed the special token; tested at lengths never trained",
  definition:
    'Random tokens in which a special one appears once, and again at the end; there the token that followed it first is ' +
    'wanted. Trained at one length, tested at shorter and longer ones.',
  source: 'Gu and Dao 2023, arXiv 2312.00752, section 4.1.2 and appendix E.1',
  schema: inductionHeadsSchema,
  sweep: {length: [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]},
  examples: [
    [
      '--length 64 --window 8 --d-model 32 --eidetic-slots 16 --batch 64 --rate 5e-3 --steps 500 ' +
        '--ssm-output projected --stop-accuracy 0.98 --out runs/first',
      'a small setting, minutes on one core',
    ],
  ],
  create: createInductionHeads,
};
