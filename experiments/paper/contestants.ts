// The models that the paper sets side by side, by the names of its figures.

import type {ModelConfig} from '../../models/config.js';
import {presets} from '../../models/config.js';

/** Settings of each kind of model, beside the width and the task's. */
export const contestants = {
  transformer: {preset: 'transformer'},
  window: {preset: 'swa'},
  mamba: {preset: 'mamba'},
  hybrid: {preset: 'hybrid'},
  'bmojo-f': {preset: 'bmojo-f'},
  bmojo: {preset: 'bmojo'},
  'bmojo-projected': {preset: 'bmojo', ssmOutput: 'projected'},
} as const satisfies Record<string, Partial<ModelConfig>>;

export type Contestant = keyof typeof contestants;

export const contestantNames = Object.keys(contestants) as Contestant[];

/** Settings of a kind of model over shared ones, which give way to what the kind is: a window model has no slots. */
export function contestant(name: Contestant, shared: Partial<ModelConfig>): Partial<ModelConfig> {
  const {preset} = contestants[name];
  return {...shared, ...presets[preset], ...contestants[name]};
}

/** Those of `names` that the user wants, all without a choice. */
export function chosen<T extends string>(names: readonly T[], wanted: readonly string[] | undefined): T[] {
  return names.filter(name => wanted === undefined || wanted.includes(name));
}
