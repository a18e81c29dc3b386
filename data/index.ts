// Tasks, tokens and their samples; needs no tensor library and no Node.

export type {Batch} from './batch.js';
export {drawBatch} from './batch.js';
export {taskFamilies, taskFamily} from './families.js';
export type {MqarSettings} from './mqar.js';
export {createMqar, mqar, mqarSchema} from './mqar.js';
export type {Random} from './random.js';
export {randomStream, threefry} from './random.js';
export type {Query, Sample, SampleKey, Split, Task, TaskFamily} from './task.js';
export {IGNORED} from './task.js';
export type {TokenSource} from './token-source.js';
export {memoryTokens} from './token-source.js';
export type {Tokenizer} from './tokenizers/index.js';
export {
  byteTokenizer,
  charTokenizer,
  huggingFaceTokenizer,
  TextStream,
  TokenizerError,
  tokenizerFromJSON,
} from './tokenizers/index.js';
export type {WindowBatch} from './windows.js';
export {readWindows, WindowError, WindowIndex} from './windows.js';
