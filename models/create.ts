// The model that a configuration describes, whatever its backbone.

import type * as tfl from '@tensorflow/tfjs-layers';
import {SettingError, said} from '../config/schema.js';
import {AutoEncoder} from './auto-encoder.js';
import type {ModelConfig, PartialModelConfig} from './config.js';
import type {LanguageModelOptions} from './language-model.js';
import {LanguageModel} from './language-model.js';
import {markOf} from './model-config.js';
import {ModelFormatError} from './model-format.js';
import {parameterShapes} from './parameters.js';

/** A model of either backbone: causal, or an auto-encoder. */
export type SequenceModel = LanguageModel | AutoEncoder;

/**
 * Builds the model that a configuration describes, with random weights: a LanguageModel, or an AutoEncoder
 * where `backbone` says so. Errors: SettingError, also for an auto-encoder with `recompute`.
 */
export function createSequenceModel(
  config: PartialModelConfig,
  options: LanguageModelOptions = {},
): SequenceModel {
  if (config.backbone !== 'autoencoder') return LanguageModel.create(config, options);
  if (options.recompute === true) refuseRecompute();
  return AutoEncoder.create(config);
}

/** That {@link createSequenceModel} would build the model; nothing is allocated. Errors: SettingError, as there. */
export function checkSequenceModel(
  config: ModelConfig,
  {recompute = false}: LanguageModelOptions = {},
): void {
  if (recompute && config.backbone === 'autoencoder') refuseRecompute();
  parameterShapes(config);
}

function refuseRecompute(): never {
  throw new SettingError('train', said`{recompute} must be off for an auto-encoder, got true`);
}

/** The view of a LayersModel that was loaded from files, by the configuration it carries. Errors: ModelFormatError. */
export function sequenceModelOf(model: tfl.LayersModel): SequenceModel {
  const config = markOf(model);
  if (config === undefined)
    throw new ModelFormatError('the model carries no bmojo configuration: it is none of createModel');
  return config.backbone === 'autoencoder' ? AutoEncoder.of(model, config) : new LanguageModel(model);
}

/** The same model where it is causal. Errors: SettingError for an auto-encoder. */
export function asLanguageModel(model: SequenceModel): LanguageModel {
  if (model instanceof LanguageModel) return model;
  throw new SettingError('a causal model is needed here, got an auto-encoder');
}
