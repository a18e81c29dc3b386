// A model with the same weights and another memory: no weight depends on the window, the slots or what is retrieved.

import type {ModelConfig} from './config.js';
import {asLanguageModel} from './create.js';
import {blankModel} from './half-model.js';
import {heldWeights, weightStorageOf} from './held-weights.js';
import type {LanguageModel} from './language-model.js';
import {layerPlan, withoutStorage} from './layer-plan.js';
import type {PartialMemorySettings} from './settings.generated.js';

/**
 * The model with another window w, other eidetic slots me or another number K of rows retrieved from storage; its weights are
 * copies, its matrices held as the model's are, and the caller disposes its `model`. Layers with a window, slots or storage of their own keep them.
 * Errors: SettingError for settings that do not fit the others.
 */
export function withMemory(model: LanguageModel, changes: PartialMemorySettings): LanguageModel {
  const given: ModelConfig = {...model.config, ...changes};
  const config = given.storage === 0 ? withoutStorage(given) : given;
  layerPlan(config);
  const changed = asLanguageModel(blankModel(config, weightStorageOf(model.model)));
  const weights = heldWeights(model.model);
  for (const [i, weight] of heldWeights(changed.model).entries()) weight.copy(weights[i]);
  return changed;
}
