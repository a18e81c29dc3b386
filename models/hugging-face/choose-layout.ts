// Which layout a model leaves in: the first whose config.json, read back, gives the same model.

import {SettingError} from '../../config/schema.js';
import type {ModelConfig} from '../config.js';
import {parseModelConfig} from '../config.js';
import {modelMeaning} from '../same-model.js';
import {CheckpointConfig} from './checkpoint-config.js';
import {CheckpointImportError} from './import-error.js';
import type {Layout} from './layout.js';
import {layouts} from './layouts/index.js';

/** A layout that says everything about a model. */
export interface ChosenLayout {
  readonly layout: Layout;
  readonly config: Readonly<Record<string, unknown>>;
  readonly checkpoint: CheckpointConfig;
}

/** The config.json of a layout, where it says everything about the model; undefined where it does not. */
function described(layout: Layout, config: ModelConfig): ChosenLayout | undefined {
  const values = {model_type: layout.modelType, ...layout.describe(config)};
  const checkpoint = new CheckpointConfig('config.json', values);
  try {
    const again = parseModelConfig(layout.settings(checkpoint));
    return modelMeaning(again) === modelMeaning(config) ? {layout, config: values, checkpoint} : undefined;
  } catch (error) {
    if (error instanceof CheckpointImportError || error instanceof SettingError) return undefined;
    throw error;
  }
}

/** The first layout that says everything about a model, with its config.json. */
export function layoutFor(config: ModelConfig): ChosenLayout {
  for (const layout of layouts) {
    const chosen = described(layout, config);
    if (chosen !== undefined) return chosen;
  }
  throw new Error(`no layout expresses ${JSON.stringify(config)}`);
}
