// One update of the weights, issued or replayed; the loop and the profile of a step both take it from here.

import type {Scalar, Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {concat, stack} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import type {ModelShapes, ModelState} from '../models/state.js';
import {stateFromList, stateList} from '../models/state.js';
import type {LossScale} from './loss-scale.js';
import {factorOf, finiteness, nextLossScale, skippedOf} from './loss-scale.js';
import type {DeviceConstants} from './objective.js';
import {batchOutcome, givenMicroBatches, hostInputs} from './objective.js';
import type {AdamWOptimizer} from './optimizer.js';
import type {TrainSettings} from './settings.js';
import type {TrainableModel} from './trainable.js';
import type {MicroBatch, Segment} from './workload.js';

/** What one update needs beside its batch. */
export interface Trainer<M> {
  readonly model: M;
  readonly optimizer: AdamWOptimizer;
  readonly settings: TrainSettings;
  readonly constants: DeviceConstants;
  readonly runner: StepRunner;
}

/** The memories of the micro-batches of an update, each of these shapes, from the tensors of all of them. */
function memoriesOf(shapes: ModelShapes, tensors: readonly Tensor[], count: number): ModelState[] {
  const each = tensors.length / count;
  return Array.from({length: count}, (_, i) =>
    stateFromList(shapes, tensors.slice(i * each, (i + 1) * each)),
  );
}

/** Steps that begin with memories of the same shapes may leave others, where what is in storage outgrows its room. */
function recordedKind({kind, after}: Segment): string {
  return `${kind.name}, then ${JSON.stringify(after.layers)}`;
}

/** What an update has left; its numbers are read when they are wanted. */
export interface Updated {
  /** [loss, accuracy, gradient norm], and the state of the loss's scale where there is one. */
  readonly values: Promise<Float32Array>;
  readonly memory: readonly ModelState[];
  readonly lossScale?: LossScale;
}

/** Issues one update. `lossScale`: the state that the update before has left, which stays the caller's. */
export function update<M extends TrainableModel>(
  {model, optimizer, settings, constants, runner}: Trainer<M>,
  microBatches: readonly MicroBatch<M>[],
  past: readonly ModelState[],
  rate: number,
  step: number,
  lossScale?: LossScale,
): Updated {
  const [{segment}] = microBatches;
  const scales = lossScale === undefined ? [] : [lossScale];
  const [numbers, ...held] = runner.run({
    kind: segment && recordedKind(segment),
    inputs: hostInputs(microBatches),
    tensors: [...scales, ...past.flatMap(stateList)],
    varying: {...segment?.kind.varying, adamW: optimizer.options(rate, step)},
    body: (tensors, given) => {
      const [scale, rest] =
        lossScale === undefined ? [undefined, given] : [given[0] as LossScale, given.slice(1)];
      const before =
        segment === undefined || past.length === 0 ? [] : memoriesOf(segment.before, rest, past.length);
      const factor = scale && factorOf(scale);
      const batch = givenMicroBatches(microBatches, tensors);
      const outcome = batchOutcome(model, batch, before, constants, {
        factor,
        activations: settings.activations,
        logitRows: settings.logitRows,
      });
      const skipped = scale && skippedOf(scale);
      const norm = optimizer.apply(outcome.gradients, rate, step, {factor, skipped});
      const own: Tensor1D = stack<Scalar>([outcome.loss, outcome.accuracy, norm]) as Tensor1D;
      const memory = outcome.memory.flatMap(stateList);
      if (scale === undefined) return [own, ...memory];
      const next = nextLossScale(scale, finiteness(norm, constants), settings, constants);
      return [concat([own, next]), next, ...memory];
    },
  });
  const values = numbers.data<'float32'>().then(read => {
    numbers.dispose();
    return read;
  });
  const left = lossScale === undefined ? held : held.slice(1);
  return {
    values,
    memory: segment === undefined ? [] : memoriesOf(segment.after, left, microBatches.length),
    ...(lossScale === undefined ? {} : {lossScale: held[0] as LossScale}),
  };
}
