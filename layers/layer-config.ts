// Splits what a user passes to a layer into Keras's own keys and the layer's settings, and checks the latter.

import type {serialization, Tensor} from '@tensorflow/tfjs-core';
import type {Schema, Settings} from '../config/schema.js';
import {parseSettings} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';

/** Keys that every tf layer takes, beside the settings of its own. */
export interface KerasConfig {
  name?: string;
  trainable?: boolean;
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
  batchSize?: number;
  dtype?: 'float32' | 'int32';
}

/** What a layer takes whose settings are a schema S: keys of tf layers, and any of its settings. */
export type LayerArgs<S extends Schema> = KerasConfig & Partial<Settings<S>>;

/** What tfjs adds to a configuration when it loads a layer; ours need it not. */
const LOADER_KEY = 'customObjects';

const kerasKeys = new Set([
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'weights',
  'updatable',
  'inputDType',
]);

/** Errors: SettingError for an unknown or bad setting. */
export function splitConfig<S extends Schema>(
  layer: string,
  schema: S,
  given: LayerArgs<S>,
): {keras: KerasConfig; settings: Settings<S>} {
  const entries = Object.entries(given);
  const keras: KerasConfig = Object.fromEntries(entries.filter(([key]) => kerasKeys.has(key)));
  const own = Object.fromEntries(entries.filter(([key]) => !kerasKeys.has(key) && key !== LOADER_KEY));
  return {keras, settings: parseSettings(layer, schema, own)};
}

/** The single tensor that a layer is called on, of the rank that it needs. */
export function singleInput<T extends Tensor>(layer: string, inputs: Tensor | Tensor[], rank: number): T {
  const input = Array.isArray(inputs) ? inputs[0] : inputs;
  if (Array.isArray(inputs) && inputs.length !== 1)
    refuse(layer, 'input', 'one tensor', `${inputs.length} tensors`);
  if (input.rank !== rank) refuse(layer, 'input', `a tensor of rank ${rank}`, input.shape);
  return input as T;
}

/** The last size of a shape that a layer is built on. */
export function lastSize(layer: string, shape: (number | null)[] | (number | null)[][]): number {
  const flat = Array.isArray(shape[0]) ? shape[0] : (shape as (number | null)[]);
  const size = flat[flat.length - 1];
  if (typeof size !== 'number') refuse(layer, 'input', 'a shape with a known last size', flat);
  return size;
}

export function mergeConfig(base: serialization.ConfigDict, settings: object): serialization.ConfigDict {
  return {...base, ...settings};
}
