// A model's memory between two updates, on the device and as plain arrays in checkpoints.

import {keep, tensor} from '@tensorflow/tfjs-core';
import type {LayerState} from '../layers/index.js';
import type {ModelState} from '../models/language-model.js';
import type {CarriedMemory, NamedArray} from './snapshot.js';

/** Lets the tensors of a state outlive the scope in which they were computed. */
export function keepState(state: ModelState): ModelState {
  for (const layer of state.layers) for (const held of Object.values(layer.tensors)) keep(held);
  return state;
}

/** Copies the memory of every part off the device; all parts stand at the same position. */
export async function readMemory(parts: readonly ModelState[]): Promise<CarriedMemory> {
  const arrays: NamedArray[] = [];
  for (const [part, state] of parts.entries()) {
    for (const [layer, {tensors}] of state.layers.entries()) {
      for (const [name, held] of Object.entries(tensors)) {
        const data = Float32Array.from(await held.data<'float32'>());
        arrays.push({name: `${part}/${layer}/${name}`, shape: held.shape, data});
      }
    }
  }
  return {position: parts[0].position, parts: parts.length, layers: parts[0].layers.length, arrays};
}

/** The memory that `readMemory` copied. Errors: Error when an array belongs to no layer of a part. */
export function restoreMemory({position, parts, layers, arrays}: CarriedMemory): ModelState[] {
  const tensors = Array.from({length: parts}, () =>
    Array.from({length: layers}, (): Record<string, LayerState['tensors'][string]> => ({})),
  );
  for (const {name, shape, data} of arrays) {
    const [part, layer, key] = name.split('/');
    const owner = tensors[Number(part)]?.[Number(layer)];
    if (owner === undefined) throw new Error(`restore: the memory has no place for ${name}`);
    owner[key] = tensor(data.slice(), [...shape], 'float32');
  }
  return tensors.map(part => ({position, layers: part.map(own => ({position, tensors: own}))}));
}
