// Models of our layers.

export {AutoEncoder} from './auto-encoder.js';
export type {ModelConfig, PresetName} from './config.js';
export {modelSchema, parseModelConfig, presetNames, presets} from './config.js';
export type {SequenceModel} from './create.js';
export {asLanguageModel, createSequenceModel} from './create.js';
export type {ReadOptions, SessionOptions} from './decoding-session.js';
export {DecodingSession, DecodingSessionError, DecodingStateError} from './decoding-session.js';
export type {Footprint, FootprintOptions} from './footprint.js';
export {footprint, stateBytes} from './footprint.js';
export type {GenerateOptions, GenerateTextOptions} from './generate.js';
export {generate, generateText} from './generate.js';
export {CheckpointImportError, importMamba} from './hugging-face.js';
export type {LanguageModelOptions} from './language-model.js';
export {createModel, LanguageModel} from './language-model.js';
export type {LayerSettings, PlannedLayer} from './layer-plan.js';
export {layerPlan} from './layer-plan.js';
export * from './model-folder/index.js';
export {ModelFormatError} from './model-format.js';
export type {ParameterShape} from './parameters.js';
export {parameterCount, parameterShapes, withParameters} from './parameters.js';
export type {SizeName} from './sizes.js';
export {sizeModel, sizeNames} from './sizes.js';
export type {ModelShapes, ModelState} from './state.js';
export {disposeModelState, ModelStateError} from './state.js';
export type {SamplingSettings} from './token-sampling.js';
export {samplingSchema} from './token-sampling.js';
export type {Parameter} from './trainable-weights.js';
