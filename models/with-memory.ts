// A model with the same weights and another memory: no weight depends on the window, the slots or what is retrieved.

import type {ModelConfig} from './config.js';
import {LanguageModel} from './language-model.js';
import {layerPlan, withoutStorage} from './layer-plan.js';
import type {PartialMemorySettings} from './settings.generated.js';
import {copyInto} from './trainable-weights.js';

/**
 * The model with another window w, other eidetic slots me or another number K of rows retrieved from storage; its weights are
 * copies, and the caller disposes its `model`. Layers with a window, slots or storage of their own keep them.
 * Errors: SettingError for settings that do not fit the others.
 */
export function withMemory(model: LanguageModel, changes: PartialMemorySettings): LanguageModel {
  const given: ModelConfig = {...model.config, ...changes};
  const config = given.storage === 0 ? withoutStorage(given) : given;
  layerPlan(config);
  const changed = LanguageModel.create(config);
  const weights = model.parameters();
  changed.parameters().forEach(({variable}, i) => {
    copyInto(variable, weights[i].variable);
  });
  return changed;
}
