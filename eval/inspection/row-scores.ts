// What a model says at every position of a sequence: its loss on the wanted token, and its best token.

import {tensor2d, tidy} from '@tensorflow/tfjs-core';
import type {ScorableModel} from '../scorable.js';

export interface RowScores {
  /** Loss on the wanted token at each position [L], nats; NaN where nothing is asked. */
  readonly losses: Float32Array;
  /** Most likely token at each position [L]; the smallest id at a tie. */
  readonly best: Int32Array;
}

/** Logits that are held at a time, as numbers. */
const MOST_LOGITS = 2 ** 22;

async function logitsOf(model: ScorableModel, rows: Float32Array, width: number): Promise<Float32Array> {
  const logits = tidy(() => model.logits(tensor2d(rows, [rows.length / width, width])));
  const values = Float32Array.from(await logits.data<'float32'>());
  logits.dispose();
  return values;
}

function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - largest);
  return largest + Math.log(total);
}

/**
 * Scores of hidden states [L, D]; `labels` [L] are negative where nothing is asked. `passed` is told the share that is done, and
 * awaited.
 */
export async function scoreRows(
  model: ScorableModel,
  hidden: Float32Array,
  width: number,
  labels: ArrayLike<number>,
  passed: (share: number) => Promise<void>,
): Promise<RowScores> {
  const length = hidden.length / width;
  const losses = new Float32Array(length).fill(Number.NaN);
  const best = new Int32Array(length);
  // The first row tells the size of the vocabulary.
  const vocab = (await logitsOf(model, hidden.subarray(0, width), width)).length;
  const step = Math.max(1, Math.floor(MOST_LOGITS / vocab));
  for (let begin = 0; begin < length; begin += step) {
    const logits = await logitsOf(model, hidden.subarray(begin * width, (begin + step) * width), width);
    for (let row = 0; row * vocab < logits.length; row++) {
      const own = logits.subarray(row * vocab, (row + 1) * vocab);
      best[begin + row] = own.reduce((top, logit, id) => (logit > own[top] ? id : top), 0);
      const label = labels[begin + row];
      if (label >= 0) losses[begin + row] = logSumExp(own) - own[label];
    }
    await passed(Math.min(1, (begin + step) / length));
  }
  return {losses, best};
}

/** Distribution [V] behind one hidden state [D]. */
export async function probabilities(model: ScorableModel, hidden: Float32Array): Promise<Float32Array> {
  const logits = await logitsOf(model, hidden, hidden.length);
  const normaliser = logSumExp(logits);
  return logits.map(logit => Math.exp(logit - normaliser));
}
