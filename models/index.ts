// Models of our layers.

export {createModel} from './assembly.js';
export {AutoEncoder} from './auto-encoder.js';
export type {ModelConfig, PartialModelConfig, PresetName} from './config.js';
export {modelSchema, parseModelConfig, presetNames, presets} from './config.js';
export type {SequenceModel} from './create.js';
export {asLanguageModel, createSequenceModel} from './create.js';
export type {ReadOptions, SessionOptions} from './decoding-session.js';
export {DecodingSession, DecodingSessionError} from './decoding-session.js';
export {DecodingStateError} from './decoding-state.js';
export type {Footprint, FootprintOptions} from './footprint.js';
export {footprint, stateBytes} from './footprint.js';
export type {GenerateOptions, GenerateTextOptions, WritingOptions} from './generate.js';
export {generate, generateText} from './generate.js';
export type {BatchText, BatchToken, GenerateBatchOptions, GenerateTextsOptions} from './generate-batch.js';
export {generateBatch, generateTexts} from './generate-batch.js';
export type {Grafted, GraftOptions} from './graft.js';
export {graft} from './graft.js';
export {graftSchema} from './graft-schema.js';
export * from './hugging-face/index.js';
export type {CompileOptions} from './keras-training.js';
export type {LanguageModelOptions} from './language-model.js';
export {LanguageModel} from './language-model.js';
export type {LayerSettings, PlannedLayer} from './layer-plan.js';
export {layerPlan} from './layer-plan.js';
export type {MixerVisit} from './mixer-blocks.js';
export * from './model-folder/index.js';
export {ModelFormatError} from './model-format.js';
export type {ParameterShape} from './parameters.js';
export {parameterCount, parameterShapes, withParameters} from './parameters.js';
export type {SessionMemoryOptions} from './session-memory.js';
export {memoryFormat} from './session-memory.js';
export type {
  GraftSettings,
  ModelSettings,
  PartialGraftSettings,
  PartialLayerMixerSettings,
  PartialLayerPlanSettings,
  PartialMemorySettings,
  PartialModelSettings,
  PartialSamplingSettings,
  SamplingSettings,
} from './settings.generated.js';
export type {SizeName} from './sizes.js';
export {sizeModel, sizeNames} from './sizes.js';
export type {ModelShapes, ModelState} from './state.js';
export {disposeModelState, ModelStateError} from './state.js';
export {LogitsError, samplingSchema} from './token-sampling.js';
export type {Parameter} from './trainable-weights.js';
export {withMemory} from './with-memory.js';
export type {WritableIds} from './writable-ids.js';
