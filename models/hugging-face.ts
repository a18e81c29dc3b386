// Mamba-1 checkpoints in the Hugging Face layout: config.json and safetensors become one of our models.

import {tensor} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import type {NamedTensorData} from '../formats/safetensors.js';
import {asFloat32, decodeSafetensors} from '../formats/safetensors.js';
import {parseModelConfig} from './config.js';
import {LanguageModel} from './language-model.js';
import {parameterShapes} from './parameters.js';

/** A checkpoint that is not a Mamba-1 model as expected; the message says which setting or tensor, and what came. */
export class CheckpointImportError extends BmojoError {
  override readonly name = 'CheckpointImportError';
  readonly kind = 'damage';
}

function fail(what: string, expected: string, received: unknown): never {
  throw new CheckpointImportError(`importMamba: ${what} must be ${expected}, got ${shown(received)}`);
}

class HuggingFaceConfig {
  private readonly values: ReadonlyMap<string, unknown>;

  constructor(config: unknown) {
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      fail('config', 'an object', config);
    this.values = new Map(Object.entries(config));
  }

  integer(name: string): number {
    const value = this.values.get(name);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
      fail(name, 'a positive integer', value);
    return value;
  }

  /** Refuses a checkpoint that relies on what our model does not have; absent settings have the layout's default. */
  mustBe(name: string, wanted: unknown): void {
    const value = this.values.get(name) ?? wanted;
    if (value !== wanted) fail(name, JSON.stringify(wanted), value);
  }
}

/** Turns [rows, columns] into [columns, rows]: torch keeps linear maps as [out, in]. */
function transposed(data: ArrayLike<number>, rows: number, columns: number): Float32Array {
  return Float32Array.from(
    {length: rows * columns},
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
  );
}

interface Source {
  readonly key: string;
  /** Shape in the checkpoint. */
  readonly shape: readonly number[];
  readonly transpose: boolean;
}

/** Where a parameter of ours lies in the checkpoint. `shape` is the parameter's own. */
function sourceOf(name: string, shape: readonly number[]): Source {
  const plain = (key: string): Source => ({key, shape, transpose: false});
  const matrix = (key: string): Source => ({key, shape: [shape[1], shape[0]], transpose: true});
  if (name === 'embedding/table') return plain('backbone.embeddings.weight');
  if (name === 'final_norm/norm') return plain('backbone.norm_f.weight');
  const [block, weight] = name.split('/');
  const layer = `backbone.layers.${block.replace('block_', '')}`;
  if (weight === 'norm') return plain(`${layer}.norm.weight`);
  const mixer = `${layer}.mixer`;
  switch (weight) {
    case 'ssm.conv_weight':
      // Depthwise torch kernels are [E, 1, K]; ours [K, E].
      return {key: `${mixer}.conv1d.weight`, shape: [shape[1], 1, shape[0]], transpose: true};
    case 'ssm.conv_bias':
      return plain(`${mixer}.conv1d.bias`);
    case 'ssm.dt_bias':
      return plain(`${mixer}.dt_proj.bias`);
    case 'ssm.A_log':
    case 'ssm.D':
      return plain(`${mixer}.${weight.slice(4)}`);
    default:
      return matrix(`${mixer}.${weight.slice(4)}.weight`);
  }
}

/**
 * Builds a model from a Hugging Face Mamba-1 checkpoint: the parsed config.json and the bytes of model.safetensors.
 *
 * The output head is tied to the embedding. Errors: CheckpointImportError for settings that our model does not have
 * (biases on the projections, an untied head, another epsilon), a missing, unexpected or misshapen tensor;
 * SafetensorsError for a malformed file. Source: the transformers library's Mamba layout.
 */
export function importMamba(config: object, weights: Uint8Array): tfl.LayersModel {
  const given = new HuggingFaceConfig(config);
  given.mustBe('model_type', 'mamba');
  given.mustBe('use_bias', false);
  given.mustBe('use_conv_bias', true);
  given.mustBe('hidden_act', 'silu');
  given.mustBe('layer_norm_epsilon', 1e-5);
  const dModel = given.integer('hidden_size');
  const inner = given.integer('intermediate_size');
  if (inner % dModel !== 0) fail('intermediate_size', `a multiple of hidden_size ${dModel}`, inner);
  const {tensors} = decodeSafetensors(weights);
  const settings = parseModelConfig({
    preset: 'mamba',
    vocabSize: given.integer('vocab_size'),
    dModel,
    layers: given.integer('num_hidden_layers'),
    expand: inner / dModel,
    stateSize: given.integer('state_size'),
    convWidth: given.integer('conv_kernel'),
    deltaRank: given.integer('time_step_rank'),
  });
  // Compared before anything is allocated: a config.json of huge sizes takes no memory.
  const byName = tensorsByName(tensors);
  for (const {name, shape} of parameterShapes(settings)) foundFor(name, shape, byName);
  const language = LanguageModel.create(settings);
  try {
    assignWeights(language, byName);
  } catch (error) {
    language.model.dispose();
    throw error;
  }
  return language.model;
}

function tensorsByName(tensors: readonly NamedTensorData[]): Map<string, NamedTensorData> {
  return new Map(
    tensors.map(value => [
      value.name.replace('backbone.embedding.weight', 'backbone.embeddings.weight'),
      value,
    ]),
  );
}

/** The tensor of a parameter. Errors: CheckpointImportError when it is missing or of another shape. */
function foundFor(
  name: string,
  own: readonly number[],
  tensors: ReadonlyMap<string, NamedTensorData>,
): Source & {readonly found: NamedTensorData} {
  const source = sourceOf(name, own);
  const found = tensors.get(source.key);
  if (found === undefined || found.shape.join() !== source.shape.join())
    fail(source.key, `a tensor [${source.shape.join(', ')}]`, found?.shape);
  return {...source, found};
}

function assignWeights(language: LanguageModel, rest: Map<string, NamedTensorData>): void {
  const head = rest.get('lm_head.weight');
  const table = rest.get('backbone.embeddings.weight');
  if (head !== undefined && table !== undefined && !head.data.every((value, i) => value === table.data[i])) {
    fail('lm_head.weight', 'equal to the embedding (a tied head)', 'other numbers');
  }
  rest.delete('lm_head.weight');
  for (const {name, variable} of language.parameters()) {
    const {key, shape, transpose, found} = foundFor(name, variable.shape, rest);
    const rows = shape[0];
    const numbers = asFloat32(found);
    const data = transpose ? transposed(numbers, rows, variable.size / rows) : Float32Array.from(numbers);
    const value = tensor(data, variable.shape);
    variable.assign(value);
    value.dispose();
    rest.delete(key);
  }
  const [unexpected] = rest.keys();
  if (unexpected !== undefined) fail('the checkpoint', 'without tensors of other models', unexpected);
}
