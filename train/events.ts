// What a training run says while it goes: one typed union, the same for terminals, files and browser pages.

import type {RecallReport} from '../eval/recall.js';

/** The first event of a training: how much there is to do. */
export interface StartedEvent {
  readonly type: 'started';
  /** Updates already made: 0, or those of the checkpoint that is resumed. */
  readonly step: number;
  readonly steps: number;
  /** Trained numbers of the model. */
  readonly parameters: number;
  readonly tokensPerStep: number;
}

/** An update was made: the numbers of its batch. */
export interface StepEvent {
  readonly type: 'step';
  /** Updates made, this one included. */
  readonly step: number;
  /** Mean cross-entropy over the labelled positions of the step's batch, in nats, before the update. */
  readonly loss: number;
  /** Share of the labelled positions whose largest logit is the label's. */
  readonly accuracy: number;
  readonly rate: number;
  /** Global L2 norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Products in float16: the factor of the loss after the step, and steps skipped so far because a gradient overflowed. */
  readonly lossScale?: number;
  readonly skippedSteps?: number;
}

/** The model was scored on held-out samples after `step` updates. */
export interface EvaluatedEvent<R = RecallReport> {
  readonly type: 'evaluated';
  readonly step: number;
  readonly report: R;
}

/** A checkpoint was kept after `step` updates; `folder` is what the store says of where. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly folder: string;
}

/** The last event of a training that ended before its time, and why. */
export interface StoppedEvent {
  readonly type: 'stopped';
  /** `interrupted`: the signal was given. `not-finite`: the loss or the gradient became NaN or infinite. */
  readonly reason: 'interrupted' | 'not-finite';
  readonly step: number;
  /** Step of the last good checkpoint, when there is one. */
  readonly checkpointStep?: number;
  readonly message: string;
}

/** The last event of a training that made all of its updates, or was found good enough before. */
export interface FinishedEvent {
  readonly type: 'finished';
  readonly step: number;
}

/**
 * What a training says while it goes: one of the events above, told apart by `type`. `R` is the report of an
 * evaluation; it differs between workloads.
 */
export type TrainEvent<R = RecallReport> =
  | StartedEvent
  | StepEvent
  | EvaluatedEvent<R>
  | CheckpointEvent
  | StoppedEvent
  | FinishedEvent;
