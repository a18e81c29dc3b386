// Tasks, tokens and their samples; needs no tensor library and no Node.

export type {Batch} from './batch.js';
export {drawBatch} from './batch.js';
export {taskFamilies, taskFamily} from './families.js';
export {createInductionHeads} from './induction-heads.js';
export {createMadCompression} from './mad/compression.js';
export {createMadFuzzyRecall} from './mad/fuzzy-recall.js';
export type {MadSetting} from './mad/grid.js';
export {madSettings} from './mad/grid.js';
export {createMadRecall} from './mad/in-context-recall.js';
export {createMadMemorization} from './mad/memorization.js';
export {createMadNoisyRecall} from './mad/noisy-recall.js';
export {createMadSelectiveCopying} from './mad/selective-copying.js';
export type {
  PartialMadCompressionSettings,
  PartialMadFuzzyRecallSettings,
  PartialMadMemorizationSettings,
  PartialMadNoisyRecallSettings,
  PartialMadRecallSettings,
  PartialMadSelectiveCopyingSettings,
} from './mad/settings.generated.js';
export {createMqar, mqar, mqarSchema} from './mqar.js';
export {createMqarMixture, mqarMixtureSchema} from './mqar-mixture.js';
export {createNeedle} from './needle.js';
export {needleText} from './needle-text.js';
export type {Random} from './random.js';
export {randomStream, threefry} from './random.js';
export {createSelectiveCopying} from './selective-copying.js';
export type {
  MqarSettings,
  PartialInductionHeadsSettings,
  PartialMqarMixtureSettings,
  PartialMqarSettings,
  PartialNeedleSettings,
  PartialSelectiveCopyingSettings,
} from './settings.generated.js';
export type {Query, Sample, SampleKey, Split, Task, TaskFamily} from './task.js';
export {IGNORED} from './task.js';
export type {TokenSource} from './token-source.js';
export {memoryTokens} from './token-source.js';
export type {ChatMessage, ChatOptions, Tokenizer} from './tokenizers/index.js';
export {
  byteTokenizer,
  CharacterCollector,
  ChatTemplate,
  ChatTemplateError,
  charTokenizer,
  chatTemplateOf,
  huggingFaceTokenizer,
  TextStream,
  TokenizerError,
  tokenizerDigest,
  tokenizerFromJSON,
} from './tokenizers/index.js';
export type {WindowBatch} from './windows.js';
export {readWindows, WindowError, WindowIndex} from './windows.js';
