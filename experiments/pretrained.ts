// A folder of the Hub as commands take it: its settings, its weights one at a time.

import {readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {ChatTemplate} from '../data/tokenizers/index.js';
import {safetensorsDTypes, weightDTypes} from '../formats/weight-dtype.js';
import type {ModelConfig} from '../models/config.js';
import {modelInFolder} from '../models/folder-on-disk.js';
import {isPretrainedConfig, planCheckpoint, readCheckpointConfig} from '../models/hugging-face/checkpoint.js';
import {CheckpointImportError} from '../models/hugging-face/import-error.js';
import {
  placedWeights,
  readChatTemplate,
  readGeneration,
  readStartTokens,
} from '../models/hugging-face/read.js';
import type {WeightFile} from '../models/hugging-face/weight-files.js';
import {openWeightFiles} from '../models/hugging-face/weight-files.js';
import type {CardGeneration} from '../models/model-folder/card.js';
import {cardGeneration} from '../models/model-folder/generation.js';
import {startWeightsDigest} from '../models/model-folder/weights.js';
import type {ArraySource} from '../train/snapshot.js';

const CONFIG = 'config.json';

/** Whether a folder's config.json is that of a model of the Hub; a run's is another. */
export function isPretrainedFolder(path: string): boolean {
  const file = join(path, CONFIG);
  return (
    statSync(file, {throwIfNoEntry: false})?.isFile() === true &&
    isPretrainedConfig(new TextDecoder().decode(readFileSync(file)))
  );
}

/** What is known of a folder of the Hub before its weights are read. */
export interface PretrainedConfig {
  readonly model: ModelConfig;
  readonly stopTokens: readonly number[];
  readonly startTokens: readonly number[];
  readonly chatTemplate?: ChatTemplate;
  /** Tokens of the longest text that it was trained on, where it says. */
  readonly context?: number;
}

/** Errors: CheckpointImportError. */
export async function readPretrainedConfig(path: string): Promise<PretrainedConfig> {
  const source = modelInFolder(path);
  const described = await readCheckpointConfig(source);
  const {stopTokens} = await readGeneration(source, described);
  const {checkpoint, settings} = described;
  const name = 'max_position_embeddings';
  const context = checkpoint.has(name) ? {context: checkpoint.count(name)} : {};
  const startTokens = await readStartTokens(source);
  const chatTemplate = await readChatTemplate(source);
  return {
    model: settings,
    stopTokens,
    startTokens,
    ...(chatTemplate === undefined ? {} : {chatTemplate}),
    ...context,
  };
}

/** Numbers of one format in the files of a model. */
export interface StoredWeights {
  /** `float16`, or what the files call a format that models of ours do not have. */
  readonly dtype: string;
  readonly bytes: number;
}

/** How the weights of a folder of the Hub lie in its files, by their headers alone; of files that cannot be read, nothing. */
export async function storedInPretrained(path: string): Promise<StoredWeights[]> {
  const bytes = new Map<string, number>();
  for (const {places} of await filesOf(path))
    for (const {dtype, begin, end} of places) {
      const name = weightDTypes.find(one => safetensorsDTypes[one] === dtype) ?? dtype;
      bytes.set(name, (bytes.get(name) ?? 0) + end - begin);
    }
  return [...bytes].map(([dtype, own]) => ({dtype, bytes: own}));
}

/** None where they are missing or damaged, which is told when they are loaded. */
async function filesOf(path: string): Promise<WeightFile[]> {
  try {
    return await openWeightFiles(modelInFolder(path));
  } catch (error) {
    if (error instanceof CheckpointImportError) return [];
    throw error;
  }
}

/** What such a folder says of how text is written, as cards and runs keep it. Errors: CheckpointImportError. */
export async function readPretrainedGeneration(path: string): Promise<CardGeneration | undefined> {
  const {stopTokens, startTokens, chatTemplate} = await readPretrainedConfig(path);
  return cardGeneration({stopTokens, startTokens, chatTemplate: chatTemplate?.toJSON()});
}

/** The weights of a folder of the Hub as arrays, with the digest that they have as a model of ours. Errors: CheckpointImportError. */
export async function readPretrainedWeights(
  path: string,
): Promise<{model: ModelConfig; weights: readonly ArraySource[]; digest: string}> {
  const source = modelInFolder(path);
  const planned = await planCheckpoint(source, await readCheckpointConfig(source));
  const weights = await placedWeights(source, planned);
  const hash = startWeightsDigest(weights);
  for (const one of weights) {
    const {buffer, byteOffset, byteLength} = await one.read();
    hash.add(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  return {model: planned.settings, weights, digest: hash.hex()};
}
