// The configuration that a LayersModel of ours carries in its metadata, so that its files say what they are.

import type * as tfl from '@tensorflow/tfjs-layers';
import type {ModelConfig} from './config.js';
import {parseModelConfig} from './config.js';

const KEY = 'bmojoModel';

/** Writes a configuration into a model's metadata, beside what is there. */
export function markModel(model: tfl.LayersModel, config: ModelConfig): void {
  model.setUserDefinedMetadata({...model.getUserDefinedMetadata(), [KEY]: config});
}

/** The configuration in a model's metadata; undefined for a model of others. Errors: SettingError. */
export function markOf(model: tfl.LayersModel): ModelConfig | undefined {
  const metadata = model.getUserDefinedMetadata() as Record<string, Partial<ModelConfig>> | undefined;
  const config = metadata?.[KEY];
  return config === undefined ? undefined : parseModelConfig(config);
}
