// A model's memory between two updates, on the device and as plain arrays in checkpoints.

import {keep, tensor} from '@tensorflow/tfjs-core';
import {shown} from '../errors/shown.js';
import type {LayerState} from '../layers/index.js';
import type {ModelState} from '../models/language-model.js';
import type {ArraySource, CarriedMemory} from './snapshot.js';
import {SnapshotError} from './snapshot.js';

/** Lets the tensors of a state outlive the scope in which they were computed. */
export function keepState(state: ModelState): ModelState {
  for (const layer of state.layers) for (const held of Object.values(layer.tensors)) keep(held);
  return state;
}

/** The memory of every part as it is on the device when it is read; all parts stand at the same position. */
export function memoryArrays(parts: readonly ModelState[]): CarriedMemory {
  const arrays = parts.flatMap((state, part) =>
    state.layers.flatMap(({tensors}, layer) =>
      Object.entries(tensors).map(
        ([name, held]): ArraySource => ({
          name: `${part}/${layer}/${name}`,
          shape: held.shape,
          read: async () => Float32Array.from(await held.data<'float32'>()),
        }),
      ),
    ),
  );
  return {position: parts[0].position, parts: parts.length, layers: parts[0].layers.length, arrays};
}

/** The memory that `memoryArrays` named. Errors: SnapshotError when an array belongs to no layer of a part. */
export async function restoreMemory(memory: CarriedMemory): Promise<ModelState[]> {
  const {position, parts, layers, arrays} = memory;
  checkMemory(memory);
  const tensors = Array.from({length: parts}, () =>
    Array.from({length: layers}, (): Record<string, LayerState['tensors'][string]> => ({})),
  );
  for (const source of arrays) {
    const [part, layer, key] = source.name.split('/');
    const data = await source.read();
    tensors[Number(part)][Number(layer)][key] = tensor(data.slice(), [...source.shape], 'float32');
  }
  return tensors.map(part => ({position, layers: part.map(own => ({position, tensors: own}))}));
}

/** Errors: SnapshotError when an array belongs to no layer of a part, and when parts or layers differ in what they hold. */
export function checkMemory({parts, layers, arrays}: CarriedMemory): void {
  const held = new Map<string, Map<string, string>>();
  for (const {name, shape} of arrays) {
    const [part, layer, key, ...rest] = name.split('/');
    const isPlace = (word: string, count: number): boolean => /^\d+$/.test(word) && Number(word) < count;
    if (key === undefined || rest.length > 0 || !isPlace(part, parts) || !isPlace(layer ?? '', layers))
      throw new SnapshotError(`the memory has no place for ${shown(name)}`);
    const own = held.get(part) ?? new Map<string, string>();
    held.set(part, own.set(`${layer}/${key}`, shape.slice(1).join()));
  }
  const [first] = held.values();
  for (const own of held.values())
    if (own.size !== first.size || [...own].some(([place, shape]) => first.get(place) !== shape))
      throw new SnapshotError('the parts of the memory are not alike');
  if (held.size !== parts) throw new SnapshotError(`the memory must have ${parts} parts, has ${held.size}`);
}
