// Models of our layers.

export type {ModelConfig, PresetName} from './config.js';
export {modelSchema, parseModelConfig, presetNames, presets} from './config.js';
export {CheckpointImportError, importMamba} from './hugging-face.js';
export type {ModelState, Parameter} from './language-model.js';
export {createModel, disposeModelState, LanguageModel} from './language-model.js';
