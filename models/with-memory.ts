// A model with the same weights and another memory: no weight depends on the window or on the number of slots.

import type {ModelConfig} from './config.js';
import {LanguageModel} from './language-model.js';
import {layerPlan} from './layer-plan.js';

/**
 * The model with another window w or other eidetic slots me; its weights are copies, and the caller disposes its `model`.
 * Layers with a window or slots of their own keep them. Errors: SettingError for settings that do not fit the others.
 */
export function withMemory(
  model: LanguageModel,
  changes: Partial<Pick<ModelConfig, 'window' | 'eideticSlots'>>,
): LanguageModel {
  const config: ModelConfig = {...model.config, ...changes};
  layerPlan(config);
  const changed = LanguageModel.create(config);
  changed.model.setWeights(model.model.getWeights());
  return changed;
}
