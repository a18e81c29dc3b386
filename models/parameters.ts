// The parameters of a model by name and shape, from its configuration alone: nothing is allocated.

import {SettingError, said} from '../config/schema.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import {wordsOfRow} from '../formats/weight-dtype.js';
import {DeclaredLayer} from '../layers/index.js';
import {elements, FLOAT_BYTES} from '../layers/state.js';
import type {WeightSpec} from '../layers/weights.js';
import {layersOf} from './assembly.js';
import type {ModelConfig} from './config.js';

/** A trained array of a model by its name and shape, before there is one. */
export interface ParameterShape {
  /** As in `LanguageModel.parameters()`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every declared weight, under the name by which the model knows it. */
function specsOf(config: ModelConfig): WeightSpec[] {
  return layersOf(config).flatMap(layer => {
    if (!(layer instanceof DeclaredLayer)) return [];
    return layer
      .weightSpecs(config.dModel)
      .map(({name, ...spec}) => ({...spec, name: `${layer.name}/${name}`}));
  });
}

/** Every trained array of the model that `createSequenceModel` builds, in its order. Errors: SettingError, as in building it. */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  return specsOf(config).map(({name, shape}) => ({name, shape: [...shape]}));
}

/**
 * Bytes of the weights of a model in memory, its matrices held in a format; nothing is allocated. Errors: SettingError, as in
 * building it.
 */
export function weightBytes(config: ModelConfig, dtype: WeightDType): number {
  return specsOf(config).reduce((total, {shape, isMatrix}) => {
    const words = isMatrix && dtype !== 'float32' ? shape[0] * wordsOfRow(shape[1]) : elements(shape);
    return total + FLOAT_BYTES * words;
  }, 0);
}

/**
 * Number of trained numbers of the model that a configuration describes; nothing is allocated. Errors:
 * SettingError, as in building it.
 */
export function parameterCount(config: ModelConfig): number {
  return parameterShapes(config).reduce((total, {shape}) => total + elements(shape), 0);
}

/**
 * The same model with the width of its SwiGLU blocks chosen so that it has as nearly `target` parameters as a width that
 * is a multiple of 8 allows. Errors: SettingError without SwiGLU blocks, or when even the least width has too many.
 */
export function withParameters(config: ModelConfig, target: number): ModelConfig {
  const of = (mlpWidth: number): number => parameterCount({...config, mlpWidth});
  const each = of(16) - of(8);
  if (each === 0)
    throw new SettingError(
      'parameters',
      said`only models with {mlp} have a width to choose, got {mlp} false`,
    );
  const width = 8 * Math.round(1 + (target - of(8)) / each);
  if (width < 8)
    throw new SettingError(
      'parameters',
      said`${config.preset} of this width and depth has at least ${of(8)} parameters, got ${target}; take fewer {layers} or a smaller {dModel}`,
    );
  return {...config, mlpWidth: width};
}
