// A checkpoint becomes a model: settings first, then headers, then tensor by tensor.

import type {ChatTemplate, Tokenizer} from '../../data/tokenizers/index.js';
import {chatTemplateOf, startTokensOf, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {asLanguageModel} from '../create.js';
import {blankModel} from '../half-model.js';
import type {LanguageModel} from '../language-model.js';
import type {ModelSource, OpenOptions} from '../model-folder/source.js';
import {ProgressCount, parseObject, readText} from '../model-folder/source.js';
import type {DescribedCheckpoint, PlannedCheckpoint} from './checkpoint.js';
import {planCheckpoint, readCheckpointConfig} from './checkpoint.js';
import {CheckpointConfig, parsePythonJson} from './checkpoint-config.js';
import {fromCheckpoint} from './conversion.js';
import {refuseImport} from './import-error.js';
import {presentName} from './matching.js';
import {readTensor, readTensors} from './weight-files.js';
import {TiedHeadCheck, WeightsInto} from './weights-into.js';

const GENERATION = 'generation_config.json';
const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const TEMPLATE = 'chat_template.jinja';

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
  /** Ids that the model expects before a text, by tokenizer_config.json or the template of tokenizer.json, such as a begin of text. */
  readonly startTokens: readonly number[];
  /** The template for conversations, of chat_template.jinja or tokenizer_config.json; none where the folder holds none. */
  readonly chatTemplate?: ChatTemplate;
}

/** A tokenizer, and what it puts before a text. */
interface ReadTokenizer {
  readonly tokenizer?: Tokenizer;
  readonly startTokens: readonly number[];
}

/** A weight of ours in a checkpoint, read when it is asked for. */
export interface PlacedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

/** What a folder says of how text is written with its model. */
export interface GenerationFiles {
  readonly generation: Readonly<Record<string, unknown>>;
  readonly stopTokens: readonly number[];
}

/** Errors: CheckpointImportError. */
export async function readGeneration(
  source: ModelSource,
  {checkpoint}: DescribedCheckpoint,
  signal?: AbortSignal,
): Promise<GenerationFiles> {
  const where = `${source.name}: ${GENERATION}`;
  const text = await readText(source, GENERATION, signal);
  const generation = text === undefined ? {} : parsePythonJson(where, text);
  const configs = [new CheckpointConfig(where, generation), checkpoint];
  const config = configs.find(one => one.has('eos_token_id')) ?? checkpoint;
  const ids = [config.get('eos_token_id') ?? []].flat();
  const stopTokens = ids.map(id =>
    typeof id === 'number' && Number.isSafeInteger(id) && id >= 0
      ? id
      : config.fail('eos_token_id', 'a token id or a list of them'),
  );
  return {generation, stopTokens};
}

/** What tokenizer_config.json says; nothing where there is none. Errors: ModelFormatError where it is no JSON. */
async function readTokenizerConfig(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(source, TOKENIZER_CONFIG, signal);
  return text === undefined ? {} : parseObject(`${source.name}: ${TOKENIZER_CONFIG}`, text);
}

/** Ids before a text, of tokenizer.json and tokenizer_config.json alone. Errors: ModelFormatError where one is no JSON. */
export async function readStartTokens(source: ModelSource): Promise<number[]> {
  const text = await readText(source, TOKENIZER);
  if (text === undefined) return [];
  return startTokensOf(parseObject(`${source.name}: ${TOKENIZER}`, text), await readTokenizerConfig(source));
}

/** Errors: ModelFormatError where tokenizer_config.json is no JSON. */
export async function readChatTemplate(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<ChatTemplate | undefined> {
  const config = await readTokenizerConfig(source, signal);
  return chatTemplateOf(config, await readText(source, TEMPLATE, signal));
}

/** Errors: CheckpointImportError for a tokenizer with more ids than the model; TokenizerError. */
async function readTokenizer(
  source: ModelSource,
  {settings: {vocabSize}}: DescribedCheckpoint,
  signal?: AbortSignal,
): Promise<ReadTokenizer> {
  const text = await readText(source, TOKENIZER, signal);
  if (text === undefined) return {startTokens: []};
  const where = `${source.name}: ${TOKENIZER}`;
  const json = parseObject(where, text);
  const tokenizer = tokenizerFromJSON(json);
  if (tokenizer.vocabSize > vocabSize)
    refuseImport(
      where,
      'the vocabulary',
      `of at most the ${vocabSize} ids of the model`,
      tokenizer.vocabSize,
    );
  return {tokenizer, startTokens: startTokensOf(json, await readTokenizerConfig(source, signal))};
}

async function readModel(
  source: ModelSource,
  {layout, settings, files, matches}: PlannedCheckpoint,
  {onProgress, signal, dtype = 'float32'}: OpenOptions,
): Promise<LanguageModel> {
  const model = asLanguageModel(blankModel(settings, dtype));
  try {
    const weights = new WeightsInto(layout, matches, model);
    const total = files.reduce((sum, {bytes}) => sum + bytes, 0);
    const progress = new ProgressCount(total, onProgress);
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

/** As `fromPretrained`, from any source. */
export async function readPretrained(source: ModelSource, options: OpenOptions = {}): Promise<Pretrained> {
  const {signal} = options;
  const described = await readCheckpointConfig(source, signal);
  const generation = await readGeneration(source, described, signal);
  const tokenizer = await readTokenizer(source, described, signal);
  const chatTemplate = await readChatTemplate(source, signal);
  const planned = await planCheckpoint(source, described, signal);
  const model = await readModel(source, planned, options);
  const {config} = described;
  return {model, ...tokenizer, config, ...generation, ...(chatTemplate === undefined ? {} : {chatTemplate})};
}

/** The weights of a checkpoint in the order of our model, each read when it is asked for. Errors: CheckpointImportError. */
export async function placedWeights(
  source: ModelSource,
  {layout, files, matches, parameters}: PlannedCheckpoint,
): Promise<PlacedWeight[]> {
  const held = new Map(
    files.flatMap(file =>
      file.places.map(place => [presentName(layout, place.name), {file, place}] as const),
    ),
  );
  const read = (key: string): Promise<Float32Array> => {
    const found = held.get(key);
    if (found === undefined) throw new Error(`no file holds ${key}`);
    return readTensor(source, found.file, found.place);
  };
  const {tied} = matches;
  const check = new TiedHeadCheck(tied);
  for (const name of tied === undefined ? [] : [tied.head, tied.table]) check.see(name, await read(name));
  check.end(source.name);
  const places = [...matches.byTensor.values()].flat();
  return parameters.map(({name, shape}) => {
    const place = places.find(({parameter}) => parameter.name === name)?.place;
    if (place === undefined) throw new Error(`no tensor becomes ${name}`);
    return {name, shape, read: async () => fromCheckpoint(await read(place.key), place, shape)};
  });
}
