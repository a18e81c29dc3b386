// Reads a model folder from any source and holds every byte against its card; a folder of an earlier version has none.

import {io} from '@tensorflow/tfjs-core';
import {VERSION} from '../../config/version.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {tokenizerDigest, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {startSha256} from '../../formats/sha256/index.js';
import {weightWidths, widen} from '../../formats/weight-dtype.js';
import type {ModelConfig} from '../config.js';
import {configIn} from '../model-config.js';
import {ModelFormatError} from '../model-format.js';
import type {FileEntry, ModelCard} from './card.js';
import {CARD, parseCard, parseConfig} from './parse-card.js';
import type {ModelSource, TransferOptions} from './source.js';
import {decodeText, joinPieces, ProgressCount, parseObject, readText, verifiedPieces} from './source.js';
import type {Topology} from './topology.js';
import {parseTopology, TOPOLOGY} from './topology.js';
import type {FolderDType, WeightEntry} from './weights.js';
import {bytesIn, bytesOf, notFinite, specsOf, startWeightsDigest} from './weights.js';
import {TOKENIZER} from './write.js';

/** A model folder as it was read. */
export interface ReadModel {
  readonly artifacts: io.ModelArtifacts;
  /** How the weights are stored in `artifacts`. */
  readonly dtype: FolderDType;
  readonly card?: ModelCard;
  readonly tokenizer?: Tokenizer;
}

/** A weight of a model folder as plain numbers, row-major. */
export interface WeightArray extends WeightEntry {
  readonly data: Float32Array<ArrayBuffer>;
}

/** The card of a folder; undefined where there is none. Errors: ModelFormatError; the signal's reason. */
export async function readCard(source: ModelSource, signal?: AbortSignal): Promise<ModelCard | undefined> {
  const text = await readText(source, CARD, signal);
  return text === undefined ? undefined : parseCard(`${source.name}: ${CARD}`, text);
}

/**
 * Reads everything: the card, then what is small, so that what cannot be used is refused before the weights come.
 * Errors: ModelFormatError; the signal's reason; what the source says.
 */
export async function readModel(source: ModelSource, options: TransferOptions = {}): Promise<ReadModel> {
  const card = await readCard(source, options.signal);
  return card === undefined ? readOlder(source, options) : readCarded(source, card, options);
}

/** The configuration in a model.json of ours, without its weights. Errors: ModelFormatError. */
export async function readModelConfig(source: ModelSource, signal?: AbortSignal): Promise<ModelConfig> {
  const where = `${source.name}: ${TOPOLOGY}`;
  const text = await readText(source, TOPOLOGY, signal);
  if (text === undefined) throw new ModelFormatError(`${where} is missing`);
  const config = configIn(parseTopology(where, text).json.userDefinedMetadata);
  if (config === undefined) throw new ModelFormatError(`${where} carries no bmojo configuration`);
  return parseConfig(where, VERSION, config);
}

async function readCarded(
  source: ModelSource,
  card: ModelCard,
  {onProgress, signal}: TransferOptions,
): Promise<ReadModel> {
  const progress = new ProgressCount(
    card.files.reduce((total, {bytes}) => total + bytes, 0),
    onProgress,
  );
  const entry = (path: string): FileEntry => {
    const found = card.files.find(file => file.path === path);
    if (found !== undefined) return found;
    throw new ModelFormatError(`${source.name}: ${CARD} lists no ${path}`);
  };
  const whole = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const pieces = verifiedPieces(source, entry(path), {signal});
    return joinPieces(counted(pieces, path, progress));
  };
  const where = `${source.name}: ${TOPOLOGY}`;
  const topology = parseTopology(where, decodeText(where, await whole(TOPOLOGY)));
  const {dtype} = topology;
  if (card.weights.storage !== dtype)
    throw new ModelFormatError(`${where} stores weights as ${dtype}, ${CARD} says ${card.weights.storage}`);
  const expected = bytesOf(topology.weights, dtype);
  const shards = topology.paths.map(entry);
  const listed = shards.reduce((total, {bytes}) => total + bytes, 0);
  if (listed !== expected || card.weights.bytes !== expected)
    throw new ModelFormatError(`${where} needs ${expected} bytes of weights, ${CARD} lists ${listed}`);
  const odd = shards.find(({bytes}) => bytes % weightWidths[dtype] !== 0);
  if (odd !== undefined)
    throw new ModelFormatError(`${source.name}: ${odd.path} must hold whole numbers of ${dtype}`);
  const tokenizer = await readTokenizer(source, card, whole);
  const digest = startWeightsDigest(topology.weights);
  const weightData: ArrayBuffer[] = [];
  let at = 0;
  for (const {path} of shards) {
    const bytes = await whole(path);
    const numbers = widen(bytes, dtype);
    checkFinite(source, topology, at, numbers);
    digest.add(bytesIn(numbers));
    at += bytes.length;
    weightData.push(bytes.buffer);
  }
  if (digest.hex() !== card.weights.sha256)
    throw new ModelFormatError(`${source.name}: these are other weights than ${CARD} describes`);
  return {artifacts: artifactsOf(topology, weightData), dtype, card, tokenizer};
}

/** The weights of a folder as arrays, without a model and without a backend. Errors: as of `openModel`. */
export async function readWeights(
  source: ModelSource,
  options: TransferOptions = {},
): Promise<{weights: WeightArray[]; card?: ModelCard; digest: string}> {
  const {artifacts, dtype, card} = await readModel(source, options);
  const bytes = new io.CompositeArrayBuffer(artifacts.weightData);
  const hash = startWeightsDigest(artifacts.weightSpecs ?? []);
  let at = 0;
  const weights = (artifacts.weightSpecs ?? []).map(({name, shape}) => {
    const end = at + bytesOf([{name, shape}], dtype);
    const data = widen(new Uint8Array(bytes.slice(at, end)), dtype);
    hash.add(bytesIn(data));
    at = end;
    return {name, shape, data};
  });
  return {weights, digest: card?.weights.sha256 ?? hash.hex(), ...(card === undefined ? {} : {card})};
}

async function* counted(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  path: string,
  progress: ProgressCount,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  for await (const piece of pieces) {
    progress.add(path, piece.length);
    yield piece;
  }
}

async function readTokenizer(
  source: ModelSource,
  card: ModelCard,
  whole: (path: string) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Tokenizer | undefined> {
  if (card.tokenizer === undefined) return undefined;
  const where = `${source.name}: ${TOKENIZER}`;
  const tokenizer = tokenizerFromJSON(parseObject(where, decodeText(where, await whole(TOKENIZER))));
  if (tokenizerDigest(tokenizer) !== card.tokenizer.digest)
    throw new ModelFormatError(`${where} is not the tokenizer that the model was trained with`);
  if (tokenizer.vocabSize > card.model.config.vocabSize)
    throw new ModelFormatError(
      `${where} has ${tokenizer.vocabSize} ids, the model only ${card.model.config.vocabSize}`,
    );
  return tokenizer;
}

/** Errors: ModelFormatError naming the weight of the first number that is not finite, in a shard that begins at byte `at`. */
function checkFinite(
  source: ModelSource,
  {weights, dtype}: Topology,
  at: number,
  numbers: Float32Array,
): void {
  const index = numbers.findIndex(value => !Number.isFinite(value));
  if (index < 0) return;
  let end = 0;
  const weight = weights.find(one => {
    end += bytesOf([one], dtype);
    return at + weightWidths[dtype] * index < end;
  });
  throw new ModelFormatError(`${source.name}: ${notFinite(weight?.name ?? 'a weight').message}`);
}

/** A folder without a card: plain files of tf, as `model.save` and version 0.1.0 wrote them. */
async function readOlder(source: ModelSource, {onProgress, signal}: TransferOptions): Promise<ReadModel> {
  const where = `${source.name}: ${TOPOLOGY}`;
  const text = await readText(source, TOPOLOGY, signal);
  if (text === undefined)
    throw new ModelFormatError(`${source.name} holds no model: neither ${CARD} nor ${TOPOLOGY} is there`);
  const topology = parseTopology(where, text);
  const expected = bytesOf(topology.weights, topology.dtype);
  const progress = new ProgressCount(expected, onProgress);
  const weightData: ArrayBuffer[] = [];
  const hash = startSha256();
  let at = 0;
  for (const path of topology.paths) {
    const pieces = await source.read(path, {signal});
    if (pieces === undefined) throw new ModelFormatError(`${source.name}: ${path} is missing`);
    const bytes = await joinPieces(counted(pieces, path, progress));
    if (bytes.length % weightWidths[topology.dtype] === 0)
      checkFinite(source, topology, at, widen(bytes, topology.dtype));
    hash.add(bytes);
    at += bytes.length;
    weightData.push(bytes.buffer);
  }
  if (topology.sha256 !== undefined && hash.hex() !== topology.sha256)
    throw new ModelFormatError(`${source.name}: the weights are damaged: their SHA-256 is another`);
  if (at !== expected) throw new ModelFormatError(`${where} needs ${expected} bytes of weights, got ${at}`);
  return {artifacts: artifactsOf(topology, weightData), dtype: topology.dtype};
}

function artifactsOf({json, weights, dtype}: Topology, weightData: ArrayBuffer[]): io.ModelArtifacts {
  const {modelTopology, format, generatedBy, convertedBy, trainingConfig, userDefinedMetadata} = json;
  return {
    modelTopology,
    format,
    generatedBy,
    convertedBy,
    trainingConfig,
    userDefinedMetadata,
    weightSpecs: specsOf(weights, dtype),
    weightData,
  };
}
