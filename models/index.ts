// Models of our layers.

export type {ModelConfig, PresetName} from './config.js';
export {modelSchema, parseModelConfig, presetNames, presets} from './config.js';
export {CheckpointImportError, importMamba} from './hugging-face.js';
export type {LanguageModelOptions, ModelState, Parameter} from './language-model.js';
export {createModel, disposeModelState, LanguageModel} from './language-model.js';
export type {ParameterShape} from './parameters.js';
export {parameterCount, parameterShapes, withParameters} from './parameters.js';
