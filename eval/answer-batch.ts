// Texts whose last tokens are scored, laid out for a model.

import type {Batch} from '../data/batch.js';

export interface AnsweredText {
  readonly ids: Int32Array;
  /** First scored token; at least 1. */
  readonly begin: number;
}

/** Shorter texts are filled up with id 0 behind their end, which nothing sees. */
export function answerBatch(texts: readonly AnsweredText[]): Batch {
  const length = Math.max(...texts.map(({ids}) => ids.length - 1));
  const tokens = new Int32Array(texts.length * length);
  const rows: number[] = [];
  const labels: number[] = [];
  texts.forEach(({ids, begin}, b) => {
    tokens.set(ids.subarray(0, ids.length - 1), b * length);
    for (let at = begin; at < ids.length; at++) {
      rows.push(b * length + at - 1);
      labels.push(ids[at]);
    }
  });
  return {
    size: texts.length,
    length,
    tokens,
    rows: Int32Array.from(rows),
    labels: Int32Array.from(labels),
    distances: new Int32Array(rows.length),
  };
}
