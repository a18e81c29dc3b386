// A model's memory between two updates as plain arrays, for checkpoints.

import type {ScorableModel} from '../eval/scorable.js';
import {isStreamable} from '../eval/scorable.js';
import type {ModelState} from '../models/state.js';
import {disposeModelState, ModelStateError, stateArrays, stateFromArrays} from '../models/state.js';
import type {CarriedMemory} from './snapshot.js';
import {SnapshotError} from './snapshot.js';

/** Copies the memory of every micro-batch off the device; all stand at the same position. */
export async function readMemory(states: readonly ModelState[]): Promise<CarriedMemory> {
  const arrays = await Promise.all(
    states.map(async (state, index) =>
      (await stateArrays(state)).map(({name, ...array}) => ({name: `${index}/${name}`, ...array})),
    ),
  );
  const [{position, layers}] = states;
  return {position, parts: states.length, layers: layers.length, arrays: arrays.flat()};
}

/** The memory that `readMemory` copied. Errors: SnapshotError when it is not one of the model. */
export function restoreMemory(model: ScorableModel, {position, parts, arrays}: CarriedMemory): ModelState[] {
  if (!isStreamable(model)) throw new SnapshotError('it holds a memory, and the model keeps none');
  const shapes = model.stateShapes(position);
  const states: ModelState[] = [];
  try {
    for (let index = 0; index < parts; index++) {
      const prefix = `${index}/`;
      const own = arrays.filter(({name}) => name.startsWith(prefix));
      const batch = own[0]?.shape[0] ?? 1;
      const named = own.map(({name, ...array}) => ({name: name.slice(prefix.length), ...array}));
      states.push(stateFromArrays(shapes, named, batch));
    }
    return states;
  } catch (error) {
    states.forEach(disposeModelState);
    if (!(error instanceof ModelStateError)) throw error;
    throw new SnapshotError(error.message);
  }
}
