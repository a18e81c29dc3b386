// Splits what a user passes to a layer into Keras's own keys and the layer's settings, and checks the latter.

import type {serialization} from '@tensorflow/tfjs-core';
import {Tensor} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type {Schema, Settings} from '../config/schema.js';
import {parseSettings} from '../config/schema.js';
import {ArgumentError, refuse} from '../custom-ops/check.js';
import {shown} from '../errors/shown.js';

/** Keys that every tf layer takes, beside the settings of its own. */
export interface KerasConfig {
  /** Name of the layer, and what the names of its weights begin with. Default: its kind and a number. */
  name?: string;
  /** Whether training changes the weights. Default true. */
  trainable?: boolean;
  /** Shape of an input without the batch, for the first layer of a `tf.sequential`: [null, D], or [null] of token ids. */
  inputShape?: (number | null)[];
  /** The same with the batch: [null, null, D]. */
  batchInputShape?: (number | null)[];
  /** Sequences B of a batch, for `inputShape` where they are fixed. Default: any number. */
  batchSize?: number;
  /** Numbers of the input, for the first layer: int32 for token ids. Default float32. */
  dtype?: 'float32' | 'int32';
}

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

/** Errors: ArgumentError for settings that are no object, SettingError for an unknown or bad one. */
export function splitConfig<S extends Schema>(
  layer: string,
  schema: S,
  given: KerasConfig & Partial<Settings<S>>,
): {keras: KerasConfig; settings: Settings<S>} {
  if (typeof given !== 'object' || given === null) refuse(layer, 'settings', 'an object', given);
  const entries = Object.entries(given);
  const keras: KerasConfig = Object.fromEntries(entries.filter(([key]) => kerasKeys.has(key)));
  const own = Object.fromEntries(entries.filter(([key]) => !kerasKeys.has(key) && key !== LOADER_KEY));
  return {keras, settings: parseSettings(layer, schema, own)};
}

/** Errors: ArgumentError for inputs that are neither tensors nor symbols of them. */
export function refuseNoTensors(layer: string, inputs: unknown): void {
  const isTensor = (one: unknown): boolean => one instanceof Tensor || one instanceof tfl.SymbolicTensor;
  if ([inputs].flat().every(isTensor)) return;
  throw new ArgumentError(layer, 'input', 'a tensor, such as tf.tensor makes of numbers', shown(inputs));
}

/** Errors: ArgumentError for tf's mask of padding among the arguments of a call, on a layer that cannot leave tokens out. */
export function refuseMask(layer: string, kwargs?: Record<string, unknown>): void {
  if ([kwargs?.mask].flat().some(mask => mask !== undefined && mask !== null))
    throw new ArgumentError(
      layer,
      'mask',
      'absent, for a token that is fed is remembered and takes a position: pad behind the text and label the padding -100, ' +
        'or feed texts of one length together',
      'a mask of padding (tf.layers.masking, or an embedding with maskZero)',
    );
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
