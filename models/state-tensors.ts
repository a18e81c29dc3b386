// A model's memory as a list of tensors, for steps that are recorded once and take their tensors anew each time.

import type {Tensor} from '@tensorflow/tfjs-core';
import type {LayerState} from '../layers/index.js';
import type {ModelState} from './language-model.js';

/** Where the tensors of a memory belong. */
export type StatePlaces = readonly (readonly [layer: number, name: string])[];

export function placesOf({layers}: ModelState): StatePlaces {
  return layers.flatMap(({tensors}, layer) => Object.keys(tensors).map(name => [layer, name] as const));
}

export function tensorsAt({layers}: ModelState, places: StatePlaces): Tensor[] {
  return places.map(([layer, name]) => layers[layer].tensors[name]);
}

/** The memory of so many layers with these tensors in their places. */
export function stateOf(
  position: number,
  layers: number,
  places: StatePlaces,
  tensors: readonly Tensor[],
): ModelState {
  const held = Array.from({length: layers}, (): Record<string, Tensor> => ({}));
  places.forEach(([layer, name], i) => {
    held[layer][name] = tensors[i];
  });
  return {position, layers: held.map((own): LayerState => ({position, tensors: own}))};
}
