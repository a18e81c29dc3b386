// One update of the weights, issued or replayed; the loop and the profile of a step both take it from here.

import type {Scalar, Tensor} from '@tensorflow/tfjs-core';
import {stack} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import type {ModelShapes, ModelState} from '../models/state.js';
import {stateFromList, stateList} from '../models/state.js';
import type {DeviceConstants} from './objective.js';
import {batchOutcome, givenMicroBatches, hostInputs} from './objective.js';
import type {AdamWOptimizer} from './optimizer.js';
import type {TrainableModel} from './trainable.js';
import type {MicroBatch} from './workload.js';

/** What one update needs beside its batch. */
export interface Trainer<M> {
  readonly model: M;
  readonly optimizer: AdamWOptimizer;
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

/** Issues one update; the promise holds [loss, accuracy, gradient norm]. */
export function update<M extends TrainableModel>(
  {model, optimizer, constants, runner}: Trainer<M>,
  microBatches: readonly MicroBatch<M>[],
  past: readonly ModelState[],
  rate: number,
  step: number,
): {values: Promise<Float32Array>; memory: readonly ModelState[]} {
  const [{segment}] = microBatches;
  const [numbers, ...held] = runner.run({
    kind: segment?.kind.name,
    inputs: hostInputs(microBatches),
    tensors: past.flatMap(stateList),
    varying: {...segment?.kind.varying, adamW: optimizer.options(rate, step)},
    body: (tensors, given) => {
      const before =
        segment === undefined || past.length === 0 ? [] : memoriesOf(segment.before, given, past.length);
      const outcome = batchOutcome(model, givenMicroBatches(microBatches, tensors), before, constants);
      return [
        stack<Scalar>([outcome.loss, outcome.accuracy, optimizer.apply(outcome.gradients, rate, step)]),
        ...outcome.memory.flatMap(stateList),
      ];
    },
  });
  const values = numbers.data<'float32'>().then(read => {
    numbers.dispose();
    return read;
  });
  return {values, memory: segment === undefined ? [] : memoriesOf(segment.after, held, microBatches.length)};
}
