// The training that shows recall of many pairs: a mixture of lengths and pairs leads from few to many.

import type {Part} from './recall-on.js';

/** A mixture, what is measured of it, and how it is trained. */
export interface RecallMixture {
  readonly window: number;
  readonly vocabSize: number;
  /** Training parts with their weights. */
  readonly parts: string;
  /** What is measured, ascending by pairs. */
  readonly measured: readonly Part[];
  readonly batch: number;
  readonly train: object;
}

/**
 * As in Zoology and Based. Each number of pairs by itself was tried before: of 64 pairs only Transformers learned anything in as
 * many updates.
 */
export const recallMixture: RecallMixture = {
  window: 32,
  vocabSize: 512,
  parts: '64x4:4,128x8:2,256x16:1,256x32:1,256x64:1',
  measured: ['256x16', '256x32', '256x64'],
  batch: 64,
  train: {steps: 4000, evalEvery: 250, evalSamples: 960, stopAccuracy: 0.995},
};

/** So small that a training takes seconds. */
export const quickRecallMixture: RecallMixture = {
  window: 4,
  vocabSize: 32,
  parts: '16x2:1,32x4:1',
  measured: ['32x2', '32x4'],
  batch: 16,
  train: {steps: 60, evalEvery: 30, evalSamples: 128, checkpointEvery: 60},
};

/** The task, its data and the training of a run on a mixture. */
export function trainedOn({vocabSize, parts, measured, batch, train}: RecallMixture): {
  readonly task: 'mqar-mixture';
  readonly data: object;
  readonly train: object;
} {
  return {
    task: 'mqar-mixture',
    data: {vocabSize, parts, testParts: measured.join(','), block: batch},
    train: {...train, batch},
  };
}
