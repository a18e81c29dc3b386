// One update of the weights, issued or replayed; the loop and the profile of a step both take it from here.

import type {Scalar} from '@tensorflow/tfjs-core';
import {stack} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import type {ModelState} from '../models/language-model.js';
import type {StatePlaces} from '../models/state-tensors.js';
import {placesOf, stateOf, tensorsAt} from '../models/state-tensors.js';
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
  /** Where the tensors of the memory that an update leaves belong, for each part, by kind of piece: see {@link Piece}. */
  readonly places: Map<string, readonly Left[]>;
}

/** The memory that a part leaves. */
export interface Left {
  readonly layers: number;
  readonly places: StatePlaces;
}

/** Issues one update; the promise holds [loss, accuracy, gradient norm]. */
export function update<M extends TrainableModel>(
  {model, optimizer, constants, runner, places}: Trainer<M>,
  parts: readonly Part<M>[],
  past: readonly ModelState[],
  rate: number,
  step: number,
): {values: Promise<Float32Array>; memory: readonly ModelState[]} {
  const [{piece}] = parts;
  const kind = piece?.kind ?? '';
  const pastPlaces = past.map(placesOf);
  const [numbers, ...held] = runner.run({
    kind,
    inputs: hostInputs(parts),
    tensors: past.flatMap((state, i) => tensorsAt(state, pastPlaces[i])),
    varying: {adamW: optimizer.options(rate, step)},
    body: (tensors, given) => {
      const rest = [...given];
      const before = past.map(({position, layers}, i) =>
        stateOf(position, layers.length, pastPlaces[i], rest.splice(0, pastPlaces[i].length)),
      );
      const outcome = batchOutcome(model, givenParts(parts, tensors), before, constants);
      const left = outcome.memory.map(state => ({layers: state.layers.length, places: placesOf(state)}));
      places.set(kind, left);
      return [
        stack<Scalar>([outcome.loss, outcome.accuracy, optimizer.apply(outcome.gradients, rate, step)]),
        ...outcome.memory.flatMap((state, i) => tensorsAt(state, left[i].places)),
      ];
    },
  });
  const values = numbers.data<'float32'>().then(read => {
    numbers.dispose();
    return read;
  });
  if (piece === undefined) return {values, memory: []};
  const position = piece.position + piece.length;
  const memory = (places.get(kind) ?? []).map(left =>
    stateOf(position, left.layers, left.places, held.splice(0, left.places.length)),
  );
  return {values, memory};
}
