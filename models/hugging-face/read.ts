// A checkpoint becomes a model: settings first, then headers, then tensor by tensor.

import {tensor} from '@tensorflow/tfjs-core';
import {SettingError} from '../../config/schema.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {startSha256} from '../../formats/sha256/index.js';
import type {ModelConfig} from '../config.js';
import {parseModelConfig} from '../config.js';
import {LanguageModel} from '../language-model.js';
import type {ModelSource, TransferOptions} from '../model-folder/source.js';
import {ProgressCount, parseObject, readText} from '../model-folder/source.js';
import {parameterShapes} from '../parameters.js';
import {CheckpointConfig, parsePythonJson} from './checkpoint-config.js';
import {fromCheckpoint} from './conversion.js';
import {CheckpointImportError, refuseImport} from './import-error.js';
import type {Layout} from './layout.js';
import {layouts} from './layouts/index.js';
import {isMambaSsm, ofMambaSsm} from './mamba-ssm.js';
import type {Matches} from './matching.js';
import {matchTensors, presentName} from './matching.js';
import type {CheckpointTensor, WeightFile} from './weight-files.js';
import {openWeightFiles, readTensors} from './weight-files.js';

export const CONFIG = 'config.json';
const GENERATION = 'generation_config.json';
const TOKENIZER = 'tokenizer.json';

/** What a folder of the Hub holds, ready for use. */
export interface Pretrained {
  /** Its `model` is the caller's to dispose. */
  readonly model: LanguageModel;
  /** None where the folder holds none. */
  readonly tokenizer?: Tokenizer;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** generation_config.json; empty where there is none. */
  readonly generation: Readonly<Record<string, unknown>>;
  /** Ids that end a text, of generation_config.json or else config.json. */
  readonly stopTokens: readonly number[];
}

/** A checkpoint whose settings are read and fit one of our layouts. */
export interface DescribedCheckpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly checkpoint: CheckpointConfig;
  readonly layout: Layout;
  readonly settings: ModelConfig;
}

/** Settings of a config.json. Errors: CheckpointImportError for an unknown layout, and by name for what our layers lack. */
export function describeCheckpoint(where: string, values: Record<string, unknown>): DescribedCheckpoint {
  const given = new CheckpointConfig(where, values);
  const checkpoint = isMambaSsm(values) ? ofMambaSsm(given) : given;
  const type = checkpoint.get('model_type');
  const layout = layouts.find(({modelType}) => modelType === type);
  if (layout === undefined)
    return checkpoint.fail('model_type', `one of ${layouts.map(({modelType}) => modelType).join(', ')}`);
  try {
    return {config: values, checkpoint, layout, settings: parseModelConfig(layout.settings(checkpoint))};
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new CheckpointImportError(`${where}: ${error.message}`);
  }
}

/** The settings of a folder's config.json; undefined where there is none. Errors: CheckpointImportError. */
export async function readCheckpointConfig(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<DescribedCheckpoint | undefined> {
  const text = await readText(source, CONFIG, signal);
  const where = `${source.name}: ${CONFIG}`;
  return text === undefined ? undefined : describeCheckpoint(where, parsePythonJson(where, text));
}

/** Gives a model its weights, tensor by tensor. */
export class WeightsInto {
  private readonly variables;
  /** Of the embedding and of the tensor that repeats it, as they come. */
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly layout: Layout,
    private readonly matches: Matches,
    model: LanguageModel,
  ) {
    this.variables = new Map(model.parameters().map(({name, variable}) => [name, variable]));
  }

  take({name, data}: CheckpointTensor): void {
    const {byTensor, tied} = this.matches;
    const present = presentName(this.layout, name);
    if (tied?.head === present || tied?.table === present) this.digests.set(present, digestOf(data));
    for (const {parameter, place} of byTensor.get(present) ?? []) {
      const variable = this.variables.get(parameter.name);
      if (variable === undefined) throw new Error(`the model has no ${parameter.name}`);
      const value = tensor(fromCheckpoint(data, place, parameter.shape), variable.shape);
      variable.assign(value);
      value.dispose();
    }
  }

  /** Errors: CheckpointImportError where a head that must be the embedding is another. */
  end(where: string): void {
    const {tied} = this.matches;
    if (tied !== undefined && this.digests.get(tied.head) !== this.digests.get(tied.table))
      refuseImport(where, tied.head, 'equal to the embedding (a tied head)', 'other numbers');
  }
}

function digestOf(data: Float32Array): string {
  const hash = startSha256();
  hash.add(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
  return hash.hex();
}

async function readModel(
  source: ModelSource,
  {checkpoint, layout, settings}: DescribedCheckpoint,
  files: readonly WeightFile[],
  {onProgress, signal}: TransferOptions,
): Promise<LanguageModel> {
  const matches = matchTensors(
    source.name,
    layout,
    layout.places(checkpoint),
    parameterShapes(settings),
    files.flatMap(({places}) => places),
  );
  const model = LanguageModel.create(settings);
  try {
    const weights = new WeightsInto(layout, matches, model);
    const progress = new ProgressCount(
      files.reduce((total, {bytes}) => total + bytes, 0),
      onProgress,
    );
    for (const file of files) {
      progress.add(file.path, file.offset);
      await readTensors(source, file, signal, (one, bytes) => {
        weights.take(one);
        progress.add(file.path, bytes);
      });
    }
    weights.end(source.name);
    return model;
  } catch (error) {
    model.model.dispose();
    throw error;
  }
}

/** Ids of `eos_token_id`, which is one or a list. Errors: CheckpointImportError. */
function stopTokensOf(...configs: readonly CheckpointConfig[]): number[] {
  const config = configs.find(one => one.has('eos_token_id'));
  const ids = [config?.get('eos_token_id') ?? []].flat();
  return ids.map(id =>
    typeof id === 'number' && Number.isSafeInteger(id) && id >= 0
      ? id
      : refuseImport(config?.where ?? '', 'eos_token_id', 'a token id or a list of them', id),
  );
}

/** Errors: CheckpointImportError for a tokenizer with more ids than the model; TokenizerError. */
async function readTokenizer(
  source: ModelSource,
  {vocabSize}: ModelConfig,
  signal?: AbortSignal,
): Promise<Tokenizer | undefined> {
  const text = await readText(source, TOKENIZER, signal);
  if (text === undefined) return undefined;
  const where = `${source.name}: ${TOKENIZER}`;
  const tokenizer = tokenizerFromJSON(parseObject(where, text));
  if (tokenizer.vocabSize > vocabSize)
    refuseImport(
      where,
      'the vocabulary',
      `of at most the ${vocabSize} ids of the model`,
      tokenizer.vocabSize,
    );
  return tokenizer;
}

/** As `fromPretrained`, from any source. */
export async function readPretrained(
  source: ModelSource,
  options: TransferOptions = {},
): Promise<Pretrained> {
  const {signal} = options;
  const described = await readCheckpointConfig(source, signal);
  if (described === undefined)
    throw new CheckpointImportError(
      `${source.name}: there is no ${CONFIG}, so this is no model of Hugging Face`,
    );
  const where = `${source.name}: ${GENERATION}`;
  const text = await readText(source, GENERATION, signal);
  const generation = text === undefined ? {} : parsePythonJson(where, text);
  const stopTokens = stopTokensOf(new CheckpointConfig(where, generation), described.checkpoint);
  const tokenizer = await readTokenizer(source, described.settings, signal);
  const files = await openWeightFiles(source, signal);
  const model = await readModel(source, described, files, options);
  const {config} = described;
  return {model, ...(tokenizer === undefined ? {} : {tokenizer}), config, generation, stopTokens};
}
