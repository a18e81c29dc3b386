// MAD's in-context recall, and the generator that its noisy form shares.

import {integer, parseSettings, SettingError, said} from '../../config/schema.js';
import type {Random} from '../random.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from '../task.js';
import {IGNORED, nextTokenSample, sampleRandom} from '../task.js';
import {finiteTrainingSet} from './finite-set.js';
import type {PartialMadRecallSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madRecallSchema = {
  vocabSize: integer(16, 4, 1 << 20, 'ids, even: the lower half keys, the upper half values'),
  length: integer(128, 6, 1 << 20, 'tokens drawn, even; a sample has one input less'),
  trainExamples: trainExamples(12800),
} as const;

const TAG = 0x6d690000;

/** What the recall tasks draw: pairs, and where there is noise two noise ids in place of a pair. */
interface RecallTokens {
  readonly tokens: Int32Array;
  /** Positions of keys that were seen before, with the distance back to the value shown last. */
  readonly repeats: readonly Query[];
}

export interface RecallShape {
  /** Number of keys, ids 0 to keys - 1; the values are the next `keys` ids, noise the `noise` after them. */
  readonly keys: number;
  readonly noise: number;
  /** Probability of noise in place of a pair. */
  readonly noiseShare: number;
  /** Tokens drawn, even. */
  readonly length: number;
}

/**
 * length/2 - 1 slots, each a pair with a uniform key (its value is drawn at first sight and kept) or two noise ids;
 * one slot, drawn uniformly, is never noise. The last pair repeats a key that was shown.
 */
function drawRecall({keys, noise, noiseShare, length}: RecallShape, random: Random): RecallTokens {
  const tokens = new Int32Array(length);
  const repeats: Query[] = [];
  const shownValues = new Map<number, {value: number; position: number}>();
  const slots = length / 2 - 1;
  const certain = random.integer(slots);
  const put = (slot: number, key: number): void => {
    const known = shownValues.get(key);
    const value = known?.value ?? keys + random.integer(keys);
    if (known !== undefined) repeats.push({position: 2 * slot, distance: 2 * slot - known.position});
    shownValues.set(key, {value, position: 2 * slot + 1});
    tokens[2 * slot] = key;
    tokens[2 * slot + 1] = value;
  };
  for (let slot = 0; slot < slots; slot++) {
    if (noise > 0 && slot !== certain && random.uniform() < noiseShare) {
      for (const half of [0, 1]) tokens[2 * slot + half] = 2 * keys + random.integer(noise);
    } else {
      put(slot, random.integer(keys));
    }
  }
  const shown = [...shownValues.keys()];
  put(slots, shown[random.integer(shown.length)]);
  return {tokens, repeats};
}

/** Training asks for every next token, noise and first values included; testing for values of keys seen before. */
function recallSample({tokens, repeats}: RecallTokens, {split}: SampleKey): Sample {
  const sample = nextTokenSample(tokens);
  if (split === 'train') return sample;
  const labels = new Int32Array(sample.inputs.length).fill(IGNORED);
  for (const {position} of repeats) labels[position] = tokens[position + 1];
  return {inputs: sample.inputs, labels, queries: repeats};
}

/** A recall task of MAD: `tag` names its random streams. Errors: SettingError for an odd length. */
export function recallTask(name: string, tag: number, shape: RecallShape, examples: number): Task {
  const {keys, noise, length} = shape;
  if (length % 2 !== 0) throw new SettingError(name, said`{length} must be even, got ${length}`);
  const task: Task = {
    name,
    vocabSize: 2 * keys + noise,
    length: length - 1,
    chance: 1 / keys,
    sample: key => recallSample(drawRecall(shape, sampleRandom(tag, key)), key),
  };
  return finiteTrainingSet(task, examples);
}

/**
 * Pairs `k v k v ...` with keys drawn over and over; a key keeps its value within a sample.
 *
 * Example, vocabSize 8 (keys 0-3, values 4-7), length 12, so 11 inputs:
 * ```
 * position      0  1  2  3  4  5  6  7  8  9 10
 * inputs        1  6  3  4  1  6  0  6  3  4  1
 * labels, train 6  3  4  1  6  0  6  3  4  1  6      (the next token everywhere)
 * labels, test  .  .  .  .  6  .  .  .  4  .  6      ('.' is -100)
 * ```
 * Two keys may share a value. Errors: SettingError for an odd length or vocabulary.
 * Source: `generate_in_context_recall_instance` with multi_query of athms/mad-lab.
 */
export function createMadRecall(given: PartialMadRecallSettings = {}): Task {
  const {vocabSize, length, trainExamples: examples} = parseSettings('mad-recall', madRecallSchema, given);
  if (vocabSize % 2 !== 0)
    throw new SettingError('mad-recall', said`{vocabSize} must be even, got ${vocabSize}`);
  return recallTask('mad-recall', TAG, {keys: vocabSize / 2, noise: 0, noiseShare: 0, length}, examples);
}

export const madRecall: TaskFamily<typeof madRecallSchema> = {
  name: 'mad-recall',
  summary: 'MAD in-context recall: pairs over and over, give the value of a key that was shown',
  definition:
    'Key-value pairs follow each other, keys drawn with replacement; a key keeps its value within a sample. Trained on the ' +
    'next token at every position; tested on the values of keys that were seen before. Counted: the share of right values, ' +
    "and MAD's macro accuracy (per class, over batches of 128).",
  source: MAD_SOURCE,
  schema: madRecallSchema,
  modelDefaults: madModel,
  trainDefaults: madTraining,
  create: createMadRecall,
};
