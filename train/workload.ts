// What training is about: batches in micro-batches, each with its labels and the hidden states that they are asked of. Recall tasks and language are two.

import type {Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import type {HostInput} from '../custom-ops/index.js';
import {drawBatch} from '../data/batch.js';
import type {Task} from '../data/task.js';
import {pickedRows} from '../eval/score.js';
import type {StepKind} from '../layers/index.js';
import type {ModelShapes, ModelState} from '../models/index.js';
import type {TrainSettings} from './settings.js';
import type {TrainableModel} from './trainable.js';

/** What the forward pass of a {@link MicroBatch} gives. */
export interface MicroBatchResult {
  /** The hidden states that the labels are asked of, one row for each, [R, D]. */
  readonly rows: Tensor2D;
  /** The model's memory after the micro-batch, when the next update goes on from it. */
  readonly memory?: ModelState;
}

/** A segment of a text that consecutive updates go through. */
export interface Segment {
  /** What decides the operations of its step. */
  readonly kind: StepKind;
  /** The memory that it goes on from, and the one that it leaves. */
  readonly before: ModelShapes;
  readonly after: ModelShapes;
}

/** A micro-batch of an update; only one micro-batch's activations live at a time. */
export interface MicroBatch<M> {
  /** The same for all micro-batches of an update; absent when updates do not go on from one another. */
  readonly segment?: Segment;
  /** Wanted tokens [R]. */
  readonly labels: Int32Array;
  /** Everything else that the micro-batch takes from the host. */
  readonly inputs: readonly HostInput[];
  /** `inputs` as tensors; `memory` is what the same micro-batch of the update before left, when the workload continues it. */
  forward(model: M, inputs: readonly Tensor[], memory?: ModelState): MicroBatchResult;
}

/** What training is about: the batches of every update of a model M, and what may be recorded of them. */
export interface Workload<M> {
  /** Tokens of one sample in one update. */
  readonly length: number;
  /** The batch of the update that begins with sample number `cursor`. */
  microBatches(settings: TrainSettings, cursor: number, model: M): readonly MicroBatch<M>[];
  /** Kinds of updates worth recording: see `kinds` of createStepRunner. */
  readonly kinds: number;
  /** Whether any update goes on from the memory of another. */
  readonly carries: boolean;
  /** Whether that update goes on from the memory of the one before. */
  continues(settings: TrainSettings, cursor: number): boolean;
}

/**
 * The seed of a micro-batch's dropout masks, [2]: of the run and of its first sample, so that a run that goes on draws what
 * it would have drawn.
 */
export function dropoutSeed(seed: number, firstSample: number): HostInput {
  return {values: Int32Array.of(seed, firstSample), shape: [2]};
}

/** Each recorded kind holds the memory of a step. */
export const MOST_KINDS = 8;

/** A task as a workload: its training samples, each on its own, `batch` of them in an update. */
export function taskWorkload(task: Task): Workload<TrainableModel> {
  return {
    length: task.length,
    microBatches: ({batch, accumulate, seed}, cursor) => {
      const size = batch / accumulate;
      return Array.from({length: accumulate}, (_, index) => {
        const drawn = drawBatch(task, {seed, split: 'train', index: cursor + index * size}, size);
        return {
          labels: drawn.labels,
          inputs: [
            {values: drawn.tokens, shape: [drawn.size, drawn.length]},
            {values: drawn.rows, shape: [1, drawn.rows.length]},
            dropoutSeed(seed, cursor + index * size),
          ],
          forward: (model, [tokens, rows, masks]) => {
            const hidden = model.hidden(tokens as Tensor2D, {dropoutSeed: masks as Tensor1D});
            return {rows: pickedRows(hidden, rows as Tensor2D)};
          },
        };
      });
    },
    kinds: Math.min(MOST_KINDS, task.batchShapes ?? 1),
    carries: false,
    continues: () => false,
  };
}
