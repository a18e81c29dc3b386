// The training loop: an async generator of events that the caller reads at its own pace. Knows no files and no terminal.

import {getBackend} from '@tensorflow/tfjs-core';
import {createStepRunner} from '../custom-ops/index.js';
import type {Task} from '../data/task.js';
import type {RecallReport} from '../eval/recall.js';
import type {ModelState} from '../models/state.js';
import {disposeModelState} from '../models/state.js';
import {nextTurn} from '../models/turn.js';
import type {StepEvent, StoppedEvent, TrainEvent} from './events.js';
import {LossRange} from './loss-range.js';
import type {LossScale} from './loss-scale.js';
import {
  LEAST_FACTOR,
  lossScaleShape,
  lossScaleSource,
  restoreLossScale,
  startLossScale,
} from './loss-scale.js';
import {readMemory, restoreMemory} from './memory.js';
import {DeviceConstants} from './objective.js';
import {AdamWOptimizer} from './optimizer.js';
import {rateAt} from './schedule.js';
import type {TrainSettings} from './settings.js';
import type {ArraySource, CheckpointStore, Snapshot} from './snapshot.js';
import {arraySources, restoreArrays} from './snapshot.js';
import type {TrainableModel} from './trainable.js';
import {update} from './update.js';
import type {Workload} from './workload.js';
import {taskWorkload} from './workload.js';

/** Where the weights that scored best are kept, and what best means. */
export interface BestOptions<R> {
  /** Where they go. */
  readonly store: CheckpointStore;
  /** Smaller is better. */
  score(report: R): number;
  /** The best score of the run so far, when it is resumed. */
  readonly known?: number;
}

/** Options of {@link train}: `model`, `task` and `settings` must be given. */
export interface TrainOptions<M extends TrainableModel = TrainableModel, R = RecallReport> {
  /** The model, whose weights are trained in place. */
  readonly model: M;
  /** What is learnt: a task's samples, or any other workload. */
  readonly task: Task | Workload<M>;
  /** All settings of the training, from {@link parseTrainSettings}. */
  readonly settings: TrainSettings;
  /** Scores the model on held-out samples every `evalEvery` steps and at the end; none: no evaluation. */
  readonly evaluate?: () => Promise<R>;
  /** Whether an evaluation is good enough to end the run early, as finished. */
  readonly enough?: (report: R) => boolean;
  /** Keeps checkpoints every `checkpointEvery` steps, at the start and at the end; none: nothing is kept. */
  readonly checkpoints?: CheckpointStore;
  /** Where the best weights of all evaluations go; none: they are not kept. */
  readonly best?: BestOptions<R>;
  /** State to go on from; the run then equals an uninterrupted one bit for bit on the same backend. */
  readonly resume?: Snapshot;
  /** When aborted, the step under way is finished, a checkpoint kept, and the generator ends. */
  readonly signal?: AbortSignal;
}

/** A step whose numbers are still on their way from the device. */
interface PendingStep {
  readonly step: number;
  readonly rate: number;
  readonly values: Promise<Float32Array>;
}

/**
 * Trains a model on a task and yields what happens; see {@link TrainEvent}.
 *
 * The last event is `finished` or `stopped`. A loss or gradient that is not finite ends the run with `stopped`; the last
 * checkpoint is then from before it, and from before the loss left its range where the store can go back. A step's numbers are read one step late, so that the device is never waited for.
 */
export async function* train<M extends TrainableModel = TrainableModel, R = RecallReport>(
  options: TrainOptions<M, R>,
): AsyncGenerator<TrainEvent<R>, void, void> {
  const {model, task, settings, resume, signal, checkpoints, best} = options;
  const workload: Workload<M> = 'sample' in task ? taskWorkload(task) : task;
  const optimizer = new AdamWOptimizer(model.parameters(), settings);
  const constants = new DeviceConstants();
  // Recordings of tensorflow were not tried with a memory that goes on from step to step.
  const isRecordable = !(workload.carries && getBackend() === 'tensorflow');
  const capture = settings.capture && isRecordable;
  const runner = await createStepRunner({capture, kinds: workload.kinds});
  let memory: readonly ModelState[] = [];
  let lossScale: LossScale | undefined;
  const forget = (): void => {
    memory.forEach(disposeModelState);
    memory = [];
  };
  try {
    let step = resume?.step ?? 0;
    let cursor = resume?.cursor ?? 0;
    if (resume !== undefined) {
      await restoreArrays(model.parameters(), resume.weights);
      const isScale = ({name}: ArraySource): boolean => name === lossScaleShape.name;
      await restoreArrays(
        optimizer.moments(),
        resume.optimizer.filter(array => !isScale(array)),
      );
      const scale = resume.optimizer.find(isScale);
      if (scale !== undefined && model.usesFloat16) lossScale = await restoreLossScale(scale);
      if (resume.memory !== undefined) memory = await restoreMemory(model, resume.memory);
    }
    if (model.usesFloat16) lossScale ??= startLossScale(settings);
    const trainer = {model, optimizer, settings, constants, runner};
    let bestScore = best?.known ?? Infinity;
    const range = new LossRange();
    const save = async (store: CheckpointStore): Promise<TrainEvent<R>> => {
      const folder = await store.save({
        step,
        cursor,
        sound: range.holds,
        weights: arraySources(model.parameters()),
        optimizer: [
          ...arraySources(optimizer.moments()),
          ...(lossScale === undefined ? [] : [lossScaleSource(lossScale)]),
        ],
        ...(memory.length > 0 ? {memory: await readMemory(memory)} : {}),
      });
      return {type: 'checkpoint', step, folder};
    };
    yield {
      type: 'started',
      step,
      steps: settings.steps,
      parameters: model.parameters().reduce((total, {variable}) => total + variable.size, 0),
      tokensPerStep: settings.batch * workload.length,
    };
    if (checkpoints !== undefined && resume === undefined) yield await save(checkpoints);
    let pending: PendingStep | undefined;
    while (step < settings.steps) {
      const microBatches = workload.microBatches(settings, cursor, model);
      const rate = rateAt(step, settings);
      const updated = update(trainer, microBatches, memory, rate, step + 1, lossScale);
      forget();
      memory = updated.memory;
      lossScale?.dispose();
      lossScale = updated.lossScale;
      step++;
      cursor += settings.batch;
      if (!workload.continues(settings, cursor)) forget();
      const ready: PendingStep[] = pending === undefined ? [] : [pending];
      pending = {step, rate, values: updated.values};
      const interrupted = signal?.aborted === true && step < settings.steps;
      const last = step === settings.steps;
      const scoring = options.evaluate !== undefined && (last || step % settings.evalEvery === 0);
      const saving =
        checkpoints !== undefined && (last || interrupted || step % settings.checkpointEvery === 0);
      if (last || interrupted || scoring || saving) {
        ready.push(pending);
        pending = undefined;
      }
      for (const one of ready) {
        const event = await settle(one);
        range.see(event.loss);
        yield event;
        if (!isSound(event)) {
          yield notFinite(event, checkpoints);
          return;
        }
      }
      let enough = false;
      if (scoring) {
        const report = await options.evaluate!();
        enough = options.enough?.(report) ?? false;
        yield {type: 'evaluated', step, report};
        const score = best?.score(report) ?? Infinity;
        if (best !== undefined && score < bestScore) {
          bestScore = score;
          await save(best.store);
        }
      }
      if (saving || (enough && checkpoints !== undefined)) yield await save(checkpoints!);
      if (enough) break;
      if (interrupted) {
        yield {
          type: 'stopped',
          reason: 'interrupted',
          step,
          checkpointStep: checkpoints?.lastStep,
          message: `interrupted after step ${step}`,
        };
        return;
      }
      await nextTurn();
    }
    yield {type: 'finished', step};
  } finally {
    forget();
    lossScale?.dispose();
    runner.dispose();
    constants.dispose();
    optimizer.dispose();
  }
}

async function settle({step, rate, values}: PendingStep): Promise<StepEvent> {
  const [loss, accuracy, gradientNorm, lossScale, , skippedSteps] = await values;
  const scaling = lossScale === undefined ? {} : {lossScale, skippedSteps};
  return {type: 'step', step, loss, accuracy, rate, gradientNorm, ...scaling};
}

/** Whether training goes on: a gradient that overflowed under a scaled loss was skipped, as long as there is scale to lose. */
function isSound({loss, gradientNorm, lossScale = 0}: StepEvent): boolean {
  return Number.isFinite(loss) && (Number.isFinite(gradientNorm) || lossScale >= LEAST_FACTOR);
}

function notFinite(event: StepEvent, checkpoints: CheckpointStore | undefined): StoppedEvent {
  const what = Number.isFinite(event.loss)
    ? `gradient norm is ${event.gradientNorm}`
    : `loss is ${event.loss}`;
  const newest = checkpoints?.lastStep;
  const last = checkpoints?.retreat?.() ?? newest;
  const why =
    last === newest ? '' : `, from before the loss left its range (that of step ${newest} is given up)`;
  const rest = last === undefined ? '' : `; the last good checkpoint is of step ${last}${why}`;
  return {
    type: 'stopped',
    reason: 'not-finite',
    step: event.step,
    checkpointStep: last,
    message: `the ${what} at step ${event.step}${rest}; a lower rate or more warm-up may help`,
  };
}
