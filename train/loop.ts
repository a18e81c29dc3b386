// The training loop: an async generator of events that the caller reads at its own pace. Knows no files and no terminal.

import type {Scalar} from '@tensorflow/tfjs-core';
import {nextFrame, stack} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import {createStepRunner} from '../custom-ops/index.js';
import type {Batch} from '../data/batch.js';
import {drawBatch} from '../data/batch.js';
import type {Task} from '../data/task.js';
import type {RecallReport} from '../eval/recall.js';
import type {StepEvent, StoppedEvent, TrainEvent} from './events.js';
import {batchOutcome, DeviceConstants, hostInputs, partTensors} from './objective.js';
import {AdamWOptimizer} from './optimizer.js';
import {rateAt} from './schedule.js';
import type {TrainSettings} from './settings.js';
import type {CheckpointStore, Snapshot} from './snapshot.js';
import {readArrays, restoreArrays} from './snapshot.js';
import type {TrainableModel} from './trainable.js';

export interface TrainOptions {
  readonly model: TrainableModel;
  readonly task: Task;
  readonly settings: TrainSettings;
  /** Scores the model on held-out samples every `evalEvery` steps and at the end; none: no evaluation. */
  readonly evaluate?: () => Promise<RecallReport>;
  /** Keeps checkpoints every `checkpointEvery` steps, at the start and at the end; none: nothing is kept. */
  readonly checkpoints?: CheckpointStore;
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
 * checkpoint is then from before it. A step's numbers are read one step late, so that the device is never waited for.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const {model, task, settings, resume, signal, checkpoints} = options;
  const optimizer = new AdamWOptimizer(model.parameters(), settings);
  const constants = new DeviceConstants();
  const runner = await createStepRunner({capture: settings.capture});
  try {
    let step = resume?.step ?? 0;
    let cursor = resume?.cursor ?? 0;
    if (resume !== undefined) {
      restoreArrays(model.parameters(), resume.weights);
      restoreArrays(optimizer.moments(), resume.optimizer);
    }
    const save = async (store: CheckpointStore): Promise<TrainEvent> => {
      const weights = await readArrays(model.parameters());
      const moments = await readArrays(optimizer.moments());
      const folder = await store.save({step, cursor, weights, optimizer: moments});
      return {type: 'checkpoint', step, folder};
    };
    yield {
      type: 'started',
      step,
      steps: settings.steps,
      parameters: model.parameters().reduce((total, {variable}) => total + variable.size, 0),
      tokensPerStep: settings.batch * task.length,
    };
    if (checkpoints !== undefined && resume === undefined) yield await save(checkpoints);
    let pending: PendingStep | undefined;
    while (step < settings.steps) {
      const parts = drawParts(task, settings, cursor);
      const rate = rateAt(step, settings);
      const values = update({model, optimizer, constants, runner}, parts, rate, step + 1);
      step++;
      cursor += settings.batch;
      const ready: PendingStep[] = pending === undefined ? [] : [pending];
      pending = {step, rate, values};
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
        yield event;
        if (!Number.isFinite(event.loss) || !Number.isFinite(event.gradientNorm)) {
          yield notFinite(event, checkpoints);
          return;
        }
      }
      if (scoring) yield {type: 'evaluated', step, report: await options.evaluate!()};
      if (saving) yield await save(checkpoints);
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
      await nextFrame(); // lets signals and timers through
    }
    yield {type: 'finished', step};
  } finally {
    runner.dispose();
    constants.dispose();
    optimizer.dispose();
  }
}

function drawParts(task: Task, {batch, accumulate, seed}: TrainSettings, cursor: number): Batch[] {
  const size = batch / accumulate;
  return Array.from({length: accumulate}, (_, part) =>
    drawBatch(task, {seed, split: 'train', index: cursor + part * size}, size),
  );
}

interface Trainer {
  readonly model: TrainableModel;
  readonly optimizer: AdamWOptimizer;
  readonly constants: DeviceConstants;
  readonly runner: StepRunner;
}

/** Issues one update; the promise holds [loss, accuracy, gradient norm]. */
function update(
  {model, optimizer, constants, runner}: Trainer,
  parts: readonly Batch[],
  rate: number,
  step: number,
): Promise<Float32Array> {
  const [numbers] = runner.run({
    inputs: hostInputs(parts),
    varying: {adamW: optimizer.options(rate, step)},
    body: inputs => {
      const {loss, accuracy, gradients} = batchOutcome(model, partTensors(inputs), constants);
      return [stack<Scalar>([loss, accuracy, optimizer.apply(gradients, rate, step)])];
    },
  });
  return numbers.data<'float32'>().then(values => {
    numbers.dispose();
    return values;
  });
}

async function settle({step, rate, values}: PendingStep): Promise<StepEvent> {
  const [loss, accuracy, gradientNorm] = await values;
  return {type: 'step', step, loss, accuracy, rate, gradientNorm};
}

function notFinite(event: StepEvent, checkpoints: CheckpointStore | undefined): StoppedEvent {
  const what = Number.isFinite(event.loss)
    ? `gradient norm is ${event.gradientNorm}`
    : `loss is ${event.loss}`;
  const last = checkpoints?.lastStep;
  const rest = last === undefined ? '' : `; the last good checkpoint is of step ${last}`;
  return {
    type: 'stopped',
    reason: 'not-finite',
    step: event.step,
    checkpointStep: last,
    message: `the ${what} at step ${event.step}${rest}; a lower rate or more warm-up may help`,
  };
}
