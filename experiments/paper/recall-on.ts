// The recall of a trained model on sequences of one length with one number of pairs.

import {createMqarMixture} from '../../data/mqar-mixture.js';
import {evaluateRecall} from '../../eval/recall.js';
import type {ScorableModel} from '../../eval/scorable.js';
import {unseenSeed} from '../run.js';
import type {RunFolder} from '../run-folder.js';
import type {RecallPoint} from './recall-by-length.js';

/** A length and a number of pairs, such as 64x8. */
export type Part = `${number}x${number}`;

export interface RecallOnOptions {
  readonly samples: number;
  /** Samples computed at a time, at most. */
  readonly batch: number;
  /** How late values are asked for, in place of the run's: see `powerA` of the task. */
  readonly powerA?: number;
}

/** Accuracy on samples of a part that a run of `mqar-mixture` never saw. */
export async function recallOn(
  model: ScorableModel,
  {config}: RunFolder,
  part: Part,
  {samples, batch, powerA}: RecallOnOptions,
): Promise<RecallPoint> {
  const {powerA: trained, ...data} = config.data;
  const task = createMqarMixture({...data, testParts: part, powerA: powerA ?? Number(trained)});
  const {accuracy, queries} = await evaluateRecall(model, task, {
    seed: unseenSeed(config.train.seed),
    samples,
    batch: Math.min(samples, batch),
  });
  return {part, length: Number(part.split('x')[0]), questions: queries, accuracy};
}
