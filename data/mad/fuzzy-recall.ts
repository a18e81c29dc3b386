// MAD's fuzzy in-context recall: keys and values are words of one to three ids.

import {integer, parseSettings, SettingError, said} from '../../config/schema.js';
import type {Query, Sample, SampleKey, Task, TaskFamily} from '../task.js';
import {IGNORED, nextTokenSample, sampleRandom} from '../task.js';
import {finiteTrainingSet} from './finite-set.js';
import type {MadFuzzyRecallSettings, PartialMadFuzzyRecallSettings} from './settings.generated.js';
import {MAD_SOURCE, madModel, madTraining, trainExamples} from './settings.js';

export const madFuzzyRecallSchema = {
  vocabSize: integer(16, 8, 1 << 20, 'ids: the last one pads, the rest is keys (lower half) and values'),
  length: integer(128, 24, 1 << 20, 'inputs of a sample'),
  longestWord: integer(3, 1, 16, 'most ids of a key or a value'),
  trainExamples: trainExamples(12800),
} as const;

const TAG = 0x6d660000;

interface Pair {
  readonly key: readonly number[];
  readonly value: readonly number[];
}

const sizeOf = ({key, value}: Pair): number => key.length + value.length;

/**
 * Pairs of words without separators; a word is an ordered tuple of distinct ids, and only the id's range tells keys from
 * values. A probe pair stands once at a random place among random pairs, and again at the end.
 *
 * Example, vocabSize 8 (keys 0-2, values 3-6, pad 7), longestWord 2, held out; 12 inputs shown of a length of 24:
 * ```
 * inputs        ...  7  7  0  2  5  1  2  4  3  0  2
 * labels, test  ...  .  .  .  .  .  .  .  .  .  .  5      ('.' is -100)
 * ```
 * The pair (0 2 -> 5) returns at the end; at its last key id the value is wanted, id after id. Training asks for the next
 * token everywhere, pads included, and its keys have 1 to longestWord ids; in test every key has longestWord ids, a value
 * 1 to longestWord. Padded on the left. Errors: SettingError when the vocabulary has too few ids for a word.
 * Source: `generate_fuzzy_in_context_recall_instance` of athms/mad-lab, which draws from shuffled lists of all tuples.
 */
export function createMadFuzzyRecall(given: PartialMadFuzzyRecallSettings = {}): Task {
  const settings = parseSettings('mad-fuzzy-recall', madFuzzyRecallSchema, given);
  const {vocabSize, length, longestWord, trainExamples: examples} = settings;
  const keys = Math.floor((vocabSize - 1) / 2);
  if (keys < longestWord)
    throw new SettingError(
      'mad-fuzzy-recall',
      said`{vocabSize} must be at least ${2 * longestWord + 2} for words of ${longestWord} distinct ids, got ${vocabSize}`,
    );
  if (length < 8 * longestWord)
    throw new SettingError(
      'mad-fuzzy-recall',
      said`{length} must be at least 8 x {longestWord} = ${8 * longestWord}, got ${length}`,
    );
  const task: Task = {
    name: 'mad-fuzzy-recall',
    vocabSize,
    length,
    chance: 1 / (vocabSize - 1 - keys),
    sample: key => drawSample(settings, key),
  };
  return finiteTrainingSet(task, examples);
}

function drawSample({vocabSize, length, longestWord}: MadFuzzyRecallSettings, sampleKey: SampleKey): Sample {
  const random = sampleRandom(TAG, sampleKey);
  const keyIds = Math.floor((vocabSize - 1) / 2);
  const valueIds = vocabSize - 1 - keyIds;
  const anyLength = (): number => 1 + random.integer(longestWord);
  const known = new Map<string, readonly number[]>();
  const drawPair = (): Pair => {
    const key = random.distinct(sampleKey.split === 'train' ? anyLength() : longestWord, keyIds);
    const name = key.join();
    const value = known.get(name) ?? random.distinct(anyLength(), valueIds).map(id => keyIds + id);
    known.set(name, value);
    return {key, value};
  };
  const probe = drawPair();
  const body: Pair[] = [];
  const room = length - sizeOf(probe) - 2 * longestWord;
  for (let size = sizeOf(probe); size < room; size += sizeOf(body[body.length - 1])) body.push(drawPair());
  body.splice(random.integer(body.length + 1), 0, probe);
  return layOut([...body, probe], length, vocabSize - 1, sampleKey);
}

function layOut(pairs: readonly Pair[], length: number, pad: number, {split}: SampleKey): Sample {
  const words = pairs.flatMap(({key, value}) => [...key, ...value]);
  const start = length + 1 - words.length;
  const sample = nextTokenSample([...new Array<number>(start).fill(pad), ...words]);
  if (split === 'train') return sample;
  const labels = new Int32Array(length).fill(IGNORED);
  const queries: Query[] = [];
  /** Where the value of each key was shown last. */
  const shown = new Map<string, number>();
  let at = start;
  for (const {key, value} of pairs) {
    const valueAt = at + key.length;
    const before = shown.get(key.join());
    if (before !== undefined) {
      value.forEach((id, i) => {
        labels[valueAt + i - 1] = id;
        queries.push({position: valueAt + i - 1, distance: valueAt - 1 - before});
      });
    }
    shown.set(key.join(), valueAt);
    at = valueAt + value.length;
  }
  return {inputs: sample.inputs, labels, queries};
}

export const madFuzzyRecall: TaskFamily<typeof madFuzzyRecallSchema> = {
  name: 'mad-fuzzy-recall',
  summary: 'MAD fuzzy recall: keys and values are words of one to three ids, without separators',
  definition:
    'In-context recall in which keys and values are ordered tuples of one to three distinct ids without separators. Trained ' +
    'on the next token at every position, pads included; tested on every id of the values whose key was seen before.',
  source: MAD_SOURCE,
  schema: madFuzzyRecallSchema,
  modelDefaults: madModel,
  trainDefaults: madTraining,
  create: createMadFuzzyRecall,
};
