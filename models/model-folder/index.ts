// One model folder that travels: model.json, weights, tokenizer.json, card.json, from and to any place.

export type {UrlOptions} from './at-url.js';
export {modelAtUrl} from './at-url.js';
export type {
  CardData,
  CardEvaluation,
  CardGeneration,
  CardTraining,
  FileEntry,
  ModelCard,
  PlainSettings,
} from './card.js';
export {CARD_FORMAT} from './card.js';
export {copyModel} from './copy.js';
export type {Generation} from './generation.js';
export {modelInDirectory} from './in-directory.js';
export type {PlacedFile} from './in-files.js';
export {droppedFiles, modelInFiles} from './in-files.js';
export type {MemoryFolder} from './in-memory.js';
export {modelInMemory} from './in-memory.js';
export type {OpenedModel} from './open.js';
export {modelHandler, openModel} from './open.js';
export {parseCard} from './parse-card.js';
export type {WeightArray} from './read.js';
export {readCard, readModelConfig, readWeights} from './read.js';
export type {ModelProgress, ModelSource, ModelStore, OpenOptions, TransferOptions} from './source.js';
export type {FolderDType} from './weights.js';
export {folderDTypes, weightsDigest} from './weights.js';
export type {ModelContents, WriteModelOptions} from './write.js';
export {writeModel} from './write.js';
