// The first door for checkpoints, of Mamba-1 in memory alone.

import type * as tfl from '@tensorflow/tfjs-layers';
import {asFloat32, decodeSafetensors} from '../../formats/safetensors.js';
import {LanguageModel} from '../language-model.js';
import {describeCheckpoint} from './checkpoint.js';
import {mamba} from './layouts/mamba.js';
import {matchTensors} from './matching.js';
import {WeightsInto} from './weights-into.js';

const WHERE = 'importMamba';

/**
 * Builds a model from a Hugging Face Mamba-1 checkpoint: the parsed config.json and the bytes of model.safetensors.
 * `fromPretrained` opens whole folders of every layout, and takes its place.
 *
 * Errors: CheckpointImportError for settings that our model does not have, a missing, unexpected or misshapen tensor;
 * SafetensorsError for a malformed file. Source: the transformers library's Mamba layout.
 */
export function importMamba(config: object, weights: Uint8Array): tfl.LayersModel {
  const {checkpoint, layout, settings, parameters} = describeCheckpoint(WHERE, config);
  if (layout !== mamba) checkpoint.fail('model_type', JSON.stringify(mamba.modelType));
  const {tensors} = decodeSafetensors(weights);
  const matches = matchTensors(WHERE, layout, layout.places(checkpoint), parameters, tensors);
  const language = LanguageModel.create(settings);
  try {
    const into = new WeightsInto(layout, matches, language);
    for (const one of tensors) into.take({name: one.name, data: asFloat32(one)});
    into.end(WHERE);
  } catch (error) {
    language.model.dispose();
    throw error;
  }
  return language.model;
}
