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
      (await stateArrays(state)).map(({name, shape, data}) => ({
        name: `${index}/${name}`,
        shape,
        read: () => data,
      })),
    ),
  );
  const [{position, layers}] = states;
  return {position, parts: states.length, layers: layers.length, arrays: arrays.flat()};
}

/** The memory that `readMemory` copied. Errors: SnapshotError when it is not one of the model. */
export async function restoreMemory(
  model: ScorableModel,
  {position, parts, arrays}: CarriedMemory,
): Promise<ModelState[]> {
  if (!isStreamable(model)) throw new SnapshotError('it holds a memory, and the model keeps none');
  const shapes = model.stateShapes(position);
  const byPart = new Map<string, {name: string; shape: readonly number[]; data: Float32Array}[]>();
  for (const source of arrays) {
    const [part] = source.name.split('/', 1);
    const own = byPart.get(part) ?? [];
    byPart.set(part, own);
    own.push({name: source.name.slice(part.length + 1), shape: source.shape, data: await source.read()});
  }
  const states: ModelState[] = [];
  try {
    for (let index = 0; index < parts; index++) {
      const own = byPart.get(String(index));
      if (own === undefined || byPart.size !== parts)
        throw new SnapshotError(`its memory must have ${parts} parts, has ${byPart.size}`);
      states.push(stateFromArrays(shapes, own, own[0].shape[0] ?? 1));
    }
    return states;
  } catch (error) {
    states.forEach(disposeModelState);
    if (!(error instanceof ModelStateError)) throw error;
    throw new SnapshotError(error.message);
  }
}
