// The configuration that a LayersModel of ours carries in its metadata, so that its files say what they are.

import type * as tfl from '@tensorflow/tfjs-layers';
import type {ModelConfig} from './config.js';
import {parseModelConfig} from './config.js';

const KEY = 'bmojoModel';

/** Writes a configuration into a model's metadata, beside what is there. */
export function markModel(model: tfl.LayersModel, config: ModelConfig): void {
  model.setUserDefinedMetadata({...model.getUserDefinedMetadata(), [KEY]: config});
}

/** What metadata say of the configuration, unchecked; undefined for a model of others. */
export function configIn(metadata: object | undefined): Partial<ModelConfig> | undefined {
  return (metadata as Record<string, Partial<ModelConfig>> | undefined)?.[KEY];
}

/** The configuration in a model's metadata; undefined for a model of others. Errors: SettingError. */
export function markOf(model: tfl.LayersModel): ModelConfig | undefined {
  const config = configIn(model.getUserDefinedMetadata());
  return config === undefined ? undefined : parseModelConfig(config);
}
