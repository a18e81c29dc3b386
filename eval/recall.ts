// Accuracy of recall: over all queries, per sample and per class as the literature counts, and by the distance to the value.

import {drawBatch} from '../data/batch.js';
import type {Split, Task} from '../data/task.js';
import {nextTurn} from '../models/turn.js';
import {classAccuracy} from './class-accuracy.js';
import type {ScorableModel} from './scorable.js';
import {scoreBatch} from './score.js';

/** Accuracy over the queries whose distance lies between two bounds, both included. */
export interface AccuracySlice {
  /** Smallest and largest distance from value to query, in tokens. */
  readonly from: number;
  readonly to: number;
  readonly queries: number;
  /** Share of right answers; 0 without queries. */
  readonly accuracy: number;
}

/**
 * What {@link evaluateRecall} measured, counted in the several ways of the literature; accuracies in [0, 1].
 */
export interface RecallReport {
  readonly samples: number;
  readonly queries: number;
  /** Mean cross-entropy per query, in nats. */
  readonly loss: number;
  /** Share of right answers over all queries. */
  readonly accuracy: number;
  /** Mean over samples of the share of right answers in each: the headline number of Zoology. */
  readonly macroAccuracy: number;
  /** Share of samples in which every answer is right. */
  readonly exactAccuracy: number;
  /** Recall of each class, averaged over classes, then over groups of 128 samples: the headline number of MAD. */
  readonly classAccuracy: number;
  /** Accuracy by distance, in buckets 1-8, 9-16, 17-32, ... */
  readonly byDistance: readonly AccuracySlice[];
  /** Queries whose value lies farther back than all windows of the stack reach; absent without a reach. */
  readonly beyondReach?: AccuracySlice;
}

/** Options of {@link evaluateRecall}: `seed`, `samples` and `batch` must be given. */
export interface RecallOptions {
  /** Seed of the samples, an integer in [0, 2^32). */
  readonly seed: number;
  /** Default `test`. */
  readonly split?: Split;
  /** Samples to score. */
  readonly samples: number;
  /** Samples computed at a time; the result does not depend on it. */
  readonly batch: number;
  /** Told the number of samples of each batch when it is scored. */
  readonly onProgress?: (samples: number) => void;
  /** Tokens that attention windows alone can reach back: the windows of all layers that attend, summed. */
  readonly reach?: number;
}

interface Answer {
  readonly sample: number;
  readonly distance: number;
  readonly label: number;
  readonly predicted: number;
  readonly right: boolean;
}

/** Scores samples 0 to `samples - 1` of a split of a task, `batch` at a time. */
export async function evaluateRecall(
  model: ScorableModel,
  task: Task,
  {seed, split = 'test', samples, batch, reach, onProgress}: RecallOptions,
): Promise<RecallReport> {
  const answers: Answer[] = [];
  let loss = 0;
  for (let index = 0; index < samples; index += batch) {
    const drawn = drawBatch(task, {seed, split, index}, Math.min(batch, samples - index));
    const {predicted, losses} = await scoreBatch(model, drawn);
    loss = losses.reduce((sum, one) => sum + one, loss);
    drawn.rows.forEach((row, i) => {
      answers.push({
        sample: index + Math.floor(row / drawn.length),
        distance: drawn.distances[i],
        label: drawn.labels[i],
        predicted: predicted[i],
        right: predicted[i] === drawn.labels[i],
      });
    });
    onProgress?.(drawn.size);
    await nextTurn();
  }
  return report(answers, samples, loss, task.length, reach);
}

function report(
  answers: readonly Answer[],
  samples: number,
  loss: number,
  length: number,
  reach?: number,
): RecallReport {
  const bySample = new Map<number, {right: number; asked: number}>();
  for (const {sample, right} of answers) {
    const entry = bySample.get(sample) ?? {right: 0, asked: 0};
    entry.asked++;
    if (right) entry.right++;
    bySample.set(sample, entry);
  }
  const exact = [...bySample.values()].filter(({right, asked}) => right === asked).length;
  const macro = [...bySample.values()].reduce((total, {right, asked}) => total + right / asked, 0);
  const byDistance: AccuracySlice[] = [];
  for (let from = 1, to = 8; from < length; from = to + 1, to *= 2) {
    byDistance.push(sliceOf(answers, from, Math.min(to, length - 1)));
  }
  return {
    samples,
    queries: answers.length,
    loss: loss / Math.max(1, answers.length),
    accuracy: sliceOf(answers, 0, Infinity).accuracy,
    macroAccuracy: macro / Math.max(1, bySample.size),
    exactAccuracy: exact / Math.max(1, bySample.size),
    classAccuracy: classAccuracy(answers),
    byDistance: byDistance.filter(slice => slice.queries > 0),
    ...(reach === undefined ? {} : {beyondReach: sliceOf(answers, reach + 1, length - 1)}),
  };
}

function sliceOf(answers: readonly Answer[], from: number, to: number): AccuracySlice {
  const inside = answers.filter(({distance}) => distance >= from && distance <= to);
  const right = inside.filter(answer => answer.right).length;
  return {from, to, queries: inside.length, accuracy: inside.length === 0 ? 0 : right / inside.length};
}
