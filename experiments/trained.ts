// A trained model as commands take it: a run folder with its checkpoints, a model folder, which knows its settings from its
// card, or a folder of the Hub.

import {existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Schema, Settings} from '../config/schema.js';
import {parseSettings} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, useBackend} from '../custom-ops/index.js';
import {readTokenizer} from '../data/files/index.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {isCount} from '../formats/json-text.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import type {ModelConfig} from '../models/config.js';
import type {SequenceModel} from '../models/create.js';
import {modelInFolder} from '../models/folder-on-disk.js';
import {generationOf} from '../models/model-folder/generation.js';
import type {CardGeneration, Generation, ModelCard} from '../models/model-folder/index.js';
import {
  openModel,
  readCard,
  readModelConfig,
  readWeights,
  weightsDigest,
} from '../models/model-folder/index.js';
import {ModelFormatError} from '../models/model-format.js';
import {fromPretrained} from '../models/node.js';
import type {ArraySource} from '../train/snapshot.js';
import {workloadFamily} from './families/index.js';
import {
  isPretrainedFolder,
  readPretrainedConfig,
  readPretrainedGeneration,
  readPretrainedWeights,
} from './pretrained.js';
import type {LoadedRun} from './run.js';
import {loadSequenceModel} from './run.js';
import {RunFolder, RunFolderError} from './run-folder.js';
import type {WeightsName} from './run-models.js';

/** What is known of a trained model before it is loaded. */
export interface TrainedConfig {
  /** Settings of the model. */
  readonly model: ModelConfig;
  /** Where it was trained; none where nobody says. */
  readonly backend?: BackendName;
  /** Task and data settings; none for a model whose card does not say. */
  readonly task?: string;
  /** Settings of the task, by its family's schema. */
  readonly data: Settings<Schema>;
  /** Seed of the samples that it was trained on; none where nobody says. */
  readonly seed?: number;
}

/** A run folder, a model folder or a folder of the Hub, opened: what is known of its model, and how to load it. */
export interface Trained extends Generation {
  readonly path: string;
  /** Folder of tokenizer.json: its own, but for files of version 0.1.0, which lie in their run. */
  readonly tokenizerFolder: string;
  /** A run has weights to choose from, a model folder has its own. */
  readonly kind: 'run' | 'model';
  readonly config: TrainedConfig;
  /** The run itself, where it is one. */
  readonly run?: RunFolder;
  /** Which weights it holds; none where that is not known. */
  readonly weights: readonly WeightsName[];
  /** Errors: RunFolderError when it has none, and is no language model then; TokenizerError, ModelFormatError. */
  tokenizer(): Tokenizer;
  /** Errors: CheckpointError, ModelFormatError, and those of the backend. */
  load(weights: WeightsName, backend?: BackendName, dtype?: WeightDType): Promise<LoadedRun<SequenceModel>>;
}

/** Whether a path is that of a run, not of a model folder. */
export function isRunFolder(path: string): boolean {
  return existsSync(join(path, 'config.json')) && !isPretrainedFolder(path);
}

/** Where a path's tokenizer.json lies: with it, or, for files of version 0.1.0, with the run around them. */
export function tokenizerFolderOf(path: string): string {
  const isOwn = ['config.json', 'card.json'].some(name => existsSync(join(path, name)));
  return !isOwn && isRunFolder(dirname(path)) ? dirname(path) : path;
}

/**
 * Opens a trained model where it lies: in the folder of a run, a model folder, or a folder of the Hub. Errors: RunFolderError
 * when a path is none of these; ModelFormatError for a damaged card; CheckpointImportError; SettingError.
 */
export async function openTrained(path: string): Promise<Trained> {
  if (existsSync(path) && !statSync(path).isDirectory())
    throw new RunFolderError(`${path} must be the folder of a run or a model, is a file`);
  if (isPretrainedFolder(path)) return ofPretrained(path);
  if (isRunFolder(path)) return ofRun(RunFolder.open(path));
  const source = modelInFolder(path);
  const card = await readCard(source);
  if (card !== undefined) return ofCard(path, card);
  if ((await source.read('model.json')) !== undefined) return ofPlainFiles(path);
  throw neither(path);
}

function neither(path: string): RunFolderError {
  return new RunFolderError(
    `${path} is no run folder and no folder of Hugging Face (it has no config.json), and no model folder (it has no card.json)`,
  );
}

/** What a new run takes from a model folder or a folder of the Hub. */
export interface FolderWeights {
  readonly path: string;
  /** Updates behind the weights; 0 where the folder does not say. */
  readonly step: number;
  readonly model: ModelConfig;
  readonly weights: readonly ArraySource[];
  readonly digest: string;
  /** How text is written with its model, where it says. */
  readonly generation?: CardGeneration;
}

/** The weights of such a folder as arrays. Errors: RunFolderError where there is none; ModelFormatError, CheckpointImportError. */
export async function readFolderWeights(path: string): Promise<FolderWeights> {
  if (isPretrainedFolder(path)) {
    const generation = await readPretrainedGeneration(path);
    return {path, step: 0, generation, ...(await readPretrainedWeights(path))};
  }
  const source = modelInFolder(path);
  if ((await source.read('model.json')) === undefined) throw neither(path);
  const model = await readModelConfig(source);
  const {weights, card, digest} = await readWeights(source);
  const arrays = weights.map(({data, ...rest}) => ({...rest, read: () => data}));
  const {training, generation} = card ?? {};
  return {path, step: training?.step ?? 0, model, weights: arrays, digest, generation};
}

async function ofRun(folder: RunFolder): Promise<Trained> {
  const {path, config, checkpoints, best} = folder;
  return {
    path,
    tokenizerFolder: path,
    kind: 'run',
    config: {...config, seed: config.train.seed},
    run: folder,
    weights: [
      ...(best.lastStep === undefined ? [] : (['best'] as const)),
      ...(checkpoints.lastStep === undefined ? [] : (['last'] as const)),
    ],
    ...(await generationOf(folder.readGeneration())),
    tokenizer: () => tokenizerIn(path, config.task),
    load: (weights, backend, dtype) => loadSequenceModel(folder, {weights, backend, dtype}),
  };
}

function tokenizerIn(folder: string, task: string | undefined): Tokenizer {
  const file = join(folder, 'tokenizer.json');
  if (existsSync(file)) return readTokenizer(file);
  const trained = task === undefined ? '' : `: it was trained on ${task}; text needs a run of bmojo train lm`;
  throw new RunFolderError(`${folder} has no tokenizer.json${trained}`);
}

async function ofCard(path: string, card: ModelCard): Promise<Trained> {
  const {training, tokenizer, model, generation} = card;
  return {
    path,
    tokenizerFolder: path,
    kind: 'model',
    config: {
      model: model.config,
      backend: backendNames.find(name => name === training?.backend) ?? 'wasm',
      ...(training === undefined ? {} : {task: training.task}),
      data: dataOf(path, card),
      ...(isCount(training?.settings.seed) ? {seed: training.settings.seed} : {}),
    },
    weights: training === undefined ? [] : [training.weights],
    ...(await generationOf(generation)),
    tokenizer: () => tokenizerIn(path, tokenizer === undefined ? training?.task : undefined),
    load: (_, backend, dtype) => loadFolder(path, {step: training?.step ?? 0, backend, dtype}),
  };
}

async function ofPretrained(path: string): Promise<Trained> {
  const {model, stopTokens, startTokens, chatTemplate, context} = await readPretrainedConfig(path);
  return {
    path,
    tokenizerFolder: path,
    kind: 'model',
    config: {model, data: context === undefined ? {} : {context}},
    weights: [],
    ...(stopTokens.length === 0 ? {} : {stopTokens}),
    startTokens,
    ...(chatTemplate === undefined ? {} : {chatTemplate}),
    tokenizer: () => tokenizerIn(path, undefined),
    load: async (_, backend = 'wasm', dtype) => {
      await useBackend(backend);
      const {model: loaded} = await fromPretrained(path, {dtype});
      return {model: loaded, step: 0, digest: await weightsDigest(loaded)};
    },
  };
}

/** Files of version 0.1.0: what the run around them says, where there is one. */
async function ofPlainFiles(path: string): Promise<Trained> {
  const around = dirname(path);
  if (isRunFolder(around)) {
    const {run, ...rest} = await ofRun(RunFolder.open(around));
    const step = run?.checkpoints.lastStep ?? 0;
    return {
      ...rest,
      path,
      kind: 'model',
      weights: ['last'],
      load: (_, backend, dtype) => loadFolder(path, {step, backend, dtype}),
    };
  }
  return {
    path,
    tokenizerFolder: path,
    kind: 'model',
    config: {model: await readModelConfig(modelInFolder(path)), backend: 'wasm', data: {}},
    weights: [],
    tokenizer: () => tokenizerIn(path, undefined),
    load: (_, backend, dtype) => loadFolder(path, {step: 0, backend, dtype}),
  };
}

async function loadFolder(
  path: string,
  {step, backend = 'wasm', dtype = 'float32'}: {step: number; backend?: BackendName; dtype?: WeightDType},
): Promise<LoadedRun<SequenceModel>> {
  await useBackend(backend);
  const {model, card} = await openModel(modelInFolder(path), {dtype});
  // Rounded weights are others than those of the card.
  const told = dtype === 'float32' ? card?.weights.sha256 : undefined;
  return {model, step, digest: told ?? (await weightsDigest(model))};
}

/** The data settings of a card, complete. Errors: ModelFormatError for those of an unknown task or unknown settings. */
function dataOf(path: string, {training, data}: ModelCard): Settings<Schema> {
  if (training === undefined) return {};
  try {
    const {schema} = workloadFamily(training.task);
    const checksum = 'checksum' in schema && data?.sha256 !== undefined ? {checksum: data.sha256} : {};
    return parseSettings(training.task, schema, {...data?.settings, ...checksum});
  } catch (error) {
    throw new ModelFormatError(
      `${path}: card.json: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
