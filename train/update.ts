// One update of the weights, issued or replayed; the loop and the profile of a step both take it from here.

import type {Scalar} from '@tensorflow/tfjs-core';
import {stack} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import type {ModelState} from '../models/language-model.js';
import type {DeviceConstants} from './objective.js';
import {batchOutcome, givenParts, hostInputs} from './objective.js';
import type {AdamWOptimizer} from './optimizer.js';
import type {TrainableModel} from './trainable.js';
import type {Part} from './workload.js';

/** What one update needs beside its batch. */
export interface Trainer<M> {
  readonly model: M;
  readonly optimizer: AdamWOptimizer;
  readonly constants: DeviceConstants;
  readonly runner: StepRunner;
}

/** Issues one update; the promise holds [loss, accuracy, gradient norm]. */
export function update<M extends TrainableModel>(
  {model, optimizer, constants, runner}: Trainer<M>,
  parts: readonly Part<M>[],
  past: readonly ModelState[],
  rate: number,
  step: number,
): {values: Promise<Float32Array>; memory: readonly ModelState[]} {
  let left: readonly ModelState[] = [];
  const [numbers] = runner.run({
    inputs: hostInputs(parts),
    varying: {adamW: optimizer.options(rate, step)},
    body: tensors => {
      const outcome = batchOutcome(model, givenParts(parts, tensors), past, constants);
      left = outcome.memory;
      return [
        stack<Scalar>([outcome.loss, outcome.accuracy, optimizer.apply(outcome.gradients, rate, step)]),
      ];
    },
  });
  const values = numbers.data<'float32'>().then(read => {
    numbers.dispose();
    return read;
  });
  return {values, memory: left};
}
