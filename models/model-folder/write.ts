// Writes a model folder into any store: weights in shards, one tensor at a time; the card last, so that a folder with a
// card is whole.

import {VERSION} from '../../config/version.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {tokenizerDigest} from '../../data/tokenizers/index.js';
import {sha256Of, startSha256} from '../../formats/sha256/index.js';
import {widen} from '../../formats/weight-dtype.js';
import type {SequenceModel} from '../create.js';
import {ModelFormatError} from '../model-format.js';
import type {CardData, CardGeneration, CardTraining, FileEntry, ModelCard} from './card.js';
import {CARD_FORMAT} from './card.js';
import {cardGeneration} from './generation.js';
import {CARD} from './parse-card.js';
import type {ModelStore, TransferOptions} from './source.js';
import {ProgressCount} from './source.js';
import {TOPOLOGY, topologyText} from './topology.js';
import type {FolderDType} from './weights.js';
import {
  bytesIn,
  bytesOf,
  SHARD_BYTES,
  Shards,
  shardName,
  shardSizes,
  startWeightsDigest,
  weightPieces,
  weightsOf,
} from './weights.js';

export const TOKENIZER = 'tokenizer.json';

/** What goes into a model folder: the model, and what its card says of it. */
export interface ModelContents {
  /** The model, whose weights are read and which stays as it is. */
  readonly model: SequenceModel;
  /** Of a language model: the one whose ids it was trained on. */
  readonly tokenizer?: Tokenizer;
  /** One line for people. Default: what kind of model it is and how many parameters it has. */
  readonly title?: string;
  /** The command that made the weights. */
  readonly command?: string;
  /** How it was trained, for the card. Default: the card does not say. */
  readonly training?: CardTraining;
  /** What it was trained on, for the card. Default: the card does not say. */
  readonly data?: CardData;
  /** Default: what the tokenizer says. */
  readonly generation?: CardGeneration;
}

/** Options of {@link writeModel}, all of which may be left out. */
export interface WriteModelOptions extends TransferOptions {
  /** Bytes of a shard at most, a multiple of four. Default 32,000,000. */
  readonly shardBytes?: number;
  /** How weights are stored: float16 takes half of the bytes, of numbers rounded to 11 bits. Default float32. */
  readonly dtype?: FolderDType;
}

/**
 * Writes model.json, weights, tokenizer.json and card.json, in this order, and returns the card.
 *
 * Weights are read from the device one tensor at a time. The store keeps what else it holds.
 * Errors: ModelFormatError for weights that are not float32, not finite or beyond the range of `dtype`, or a tokenizer with
 * more ids than the model has.
 */
export async function writeModel(
  store: ModelStore,
  contents: ModelContents,
  {shardBytes = SHARD_BYTES, dtype = 'float32', onProgress, signal}: WriteModelOptions = {},
): Promise<ModelCard> {
  const {model, tokenizer, training, data, command} = contents;
  if (tokenizer !== undefined && tokenizer.vocabSize > model.config.vocabSize)
    throw new ModelFormatError(
      `the tokenizer has ${tokenizer.vocabSize} ids, the model only ${model.config.vocabSize}`,
    );
  const weights = weightsOf(model.model);
  const total = bytesOf(weights, dtype);
  const sizes = shardSizes(total, shardBytes);
  const paths = sizes.map((_, i) => shardName(i, sizes.length));
  const progress = new ProgressCount(total, onProgress);
  const digest = startWeightsDigest(weights);
  const shards = new Shards(weightPieces(weights, dtype));
  const files: FileEntry[] = [];

  const small = async (path: string, text: string): Promise<FileEntry> => {
    const bytes = new TextEncoder().encode(text);
    await store.write(path, [bytes]);
    return {path, bytes: bytes.length, sha256: sha256Of(bytes)};
  };
  files.push(await small(TOPOLOGY, topologyText(model.model, weights, {paths, dtype})));
  for (const [i, bytes] of sizes.entries()) {
    const hash = startSha256();
    const hashed = async function* () {
      for await (const piece of shards.next(bytes)) {
        signal?.throwIfAborted();
        hash.add(piece);
        digest.add(bytesIn(widen(piece, dtype)));
        progress.add(paths[i], piece.length);
        yield piece;
      }
    };
    await store.write(paths[i], hashed());
    files.push({path: paths[i], bytes, sha256: hash.hex()});
  }
  if (tokenizer !== undefined) files.push(await small(TOKENIZER, `${JSON.stringify(tokenizer)}\n`));
  const parameters = model.parameterCount();
  // What a tokenizer says itself is not said again.
  const generation = cardGeneration(contents.generation ?? {});
  const card: ModelCard = {
    format: CARD_FORMAT,
    bmojo: VERSION,
    title: contents.title ?? `${model.config.preset}, ${parameters.toLocaleString('en-US')} parameters`,
    date: new Date().toISOString(),
    ...(command === undefined ? {} : {command}),
    model: {config: model.config, parameters},
    ...(training === undefined ? {} : {training}),
    ...(data === undefined ? {} : {data}),
    ...(tokenizer === undefined
      ? {}
      : {tokenizer: {digest: tokenizerDigest(tokenizer), vocabSize: tokenizer.vocabSize}}),
    ...(generation === undefined ? {} : {generation}),
    weights: {sha256: digest.hex(), bytes: total, storage: dtype},
    files,
  };
  await small(CARD, `${JSON.stringify(card, null, 2)}\n`);
  return card;
}
