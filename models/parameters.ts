// The parameters of a model by name and shape, from its configuration alone: nothing is allocated.

import {SettingError, said} from '../config/schema.js';
import {DeclaredLayer} from '../layers/index.js';
import {elements} from '../layers/state.js';
import {layersOf} from './assembly.js';
import type {ModelConfig} from './config.js';

/** A trained array of a model by its name and shape, before there is one. */
export interface ParameterShape {
  /** As in `LanguageModel.parameters()`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every trained array of the model that `createSequenceModel` builds, in its order. Errors: SettingError, as in building it. */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  return layersOf(config).flatMap(layer => {
    if (!(layer instanceof DeclaredLayer)) return [];
    return layer
      .weightSpecs(config.dModel)
      .map(({name, shape}) => ({name: `${layer.name}/${name}`, shape: [...shape]}));
  });
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
