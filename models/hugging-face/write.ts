// A model leaves in a layout of the Hub: the weights tensor by tensor, config.json last, so that a folder with one is whole.

import type {ChatTemplate, Tokenizer} from '../../data/tokenizers/index.js';
import {huggingFaceJson, startTokensOf, withStartTokens} from '../../data/tokenizers/index.js';
import {encodeHeader} from '../../formats/safetensors-header.js';
import type {WeightDType} from '../../formats/weight-dtype.js';
import {narrow, safetensorsDTypes, weightWidths} from '../../formats/weight-dtype.js';
import {elements} from '../../layers/state.js';
import type {LanguageModel} from '../language-model.js';
import type {ModelStore, TransferOptions} from '../model-folder/source.js';
import {ProgressCount} from '../model-folder/source.js';
import {checkStorable} from '../model-folder/weights.js';
import {ModelFormatError} from '../model-format.js';
import type {Parameter} from '../trainable-weights.js';
import type {ChosenLayout} from './choose-layout.js';
import {layoutFor} from './choose-layout.js';
import {placeShape, toCheckpoint} from './conversion.js';
import type {Place} from './layout.js';
import {placeOf} from './matching.js';

/** Bytes of a file of weights at most, unless one tensor alone has more. */
const SHARD_BYTES = 2_000_000_000;

/** What goes into a folder of the Hub. */
export interface PretrainedContents {
  /** The model, whose weights are read and which stays as it is. */
  readonly model: LanguageModel;
  /** The tokenizer whose ids it was trained on. Default: none is written. */
  readonly tokenizer?: Tokenizer;
  /** The template for conversations, which goes into tokenizer_config.json. */
  readonly chatTemplate?: ChatTemplate;
  /** Ids that end a text. Default: the tokenizer's end of text. */
  readonly stopTokens?: readonly number[];
  /** Ids that the model expects before a text, which the written tokenizer puts there. Default: those that the tokenizer has. */
  readonly startTokens?: readonly number[];
  /** Tokens of the longest text that it was trained on. */
  readonly context?: number;
  /** Text of the card in Markdown, behind the heading that names the layout. */
  readonly card?: string;
}

/** Options of {@link writePretrained}, all of which may be left out. */
export interface WritePretrainedOptions extends TransferOptions {
  /** Bytes of a file of weights at most. Default 2,000,000,000. */
  readonly shardBytes?: number;
  /** How weights are stored: the halves take half of the bytes, of numbers rounded to 11 or 8 bits. Default float32. */
  readonly dtype?: WeightDType;
}

/** What was written: the layout, and the files. */
export interface WrittenPretrained {
  readonly modelType: string;
  readonly files: readonly {readonly path: string; readonly bytes: number}[];
}

/** A tensor of the checkpoint, and which weights of ours it is made of. */
interface OutgoingTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: {readonly parameter: Parameter; readonly place: Place}[];
}

function outgoing({layout, checkpoint}: ChosenLayout, parameters: readonly Parameter[]): OutgoingTensor[] {
  const places = layout.places(checkpoint);
  const tensors = new Map<string, OutgoingTensor>();
  for (const parameter of parameters) {
    const place = placeOf(places, parameter.name);
    if (place === undefined) throw new Error(`layout ${layout.modelType} has no place for ${parameter.name}`);
    const {key: name} = place;
    const shape = placeShape(place, parameter.variable.shape);
    const tensor = tensors.get(name) ?? {name, shape, parts: []};
    tensor.parts.push({parameter, place});
    tensors.set(name, tensor);
  }
  return [...tensors.values()];
}

/** The bytes of a tensor, read from the device. Errors: ModelFormatError unless all numbers are finite, also as `dtype`. */
async function bytesIn({shape, parts}: OutgoingTensor, dtype: WeightDType): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Float32Array(elements(shape));
  for (const {parameter, place} of parts) {
    const own = await parameter.variable.data<'float32'>();
    checkStorable(parameter.name, own, dtype);
    const numbers = toCheckpoint(own, place, parameter.variable.shape);
    whole.set(numbers, (place.part?.[0] ?? 0) * numbers.length);
  }
  return narrow(whole, dtype);
}

const bytesOf = ({shape}: OutgoingTensor, dtype: WeightDType): number =>
  weightWidths[dtype] * elements(shape);

function shardsOf(tensors: readonly OutgoingTensor[], dtype: WeightDType, most: number): OutgoingTensor[][] {
  const shards: OutgoingTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const own = bytesOf(tensor, dtype);
    if (bytes > 0 && bytes + own > most) {
      shards.push([]);
      bytes = 0;
    }
    shards[shards.length - 1].push(tensor);
    bytes += own;
  }
  return shards;
}

const fiveDigits = (value: number): string => String(value).padStart(5, '0');

async function writeWeights(
  store: ModelStore,
  tensors: readonly OutgoingTensor[],
  {shardBytes = SHARD_BYTES, dtype = 'float32', onProgress, signal}: WritePretrainedOptions,
): Promise<WrittenPretrained['files'][number][]> {
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor, dtype), 0);
  const progress = new ProgressCount(total, onProgress);
  const shards = shardsOf(tensors, dtype, shardBytes);
  const files: WrittenPretrained['files'][number][] = [];
  const map: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const part = shards.length === 1 ? '' : `-${fiveDigits(i + 1)}-of-${fiveDigits(shards.length)}`;
    const path = `model${part}.safetensors`;
    const header = encodeHeader(
      shard.map(({name, shape}) => ({name, shape, dtype: safetensorsDTypes[dtype]})),
      {format: 'pt'},
    );
    const pieces = async function* () {
      yield new Uint8Array(header);
      for (const tensor of shard) {
        signal?.throwIfAborted();
        const bytes = await bytesIn(tensor, dtype);
        progress.add(path, bytes.length);
        yield bytes;
      }
    };
    await store.write(path, pieces());
    files.push({path, bytes: header.length + shard.reduce((sum, tensor) => sum + bytesOf(tensor, dtype), 0)});
    for (const {name} of shard) map[name] = path;
  }
  if (shards.length > 1)
    files.push(
      await writeJson(store, 'model.safetensors.index.json', {
        metadata: {total_size: total},
        weight_map: map,
      }),
    );
  return files;
}

async function writeText(store: ModelStore, path: string, text: string) {
  const bytes = new TextEncoder().encode(text);
  await store.write(path, [bytes]);
  return {path, bytes: bytes.length};
}

const writeJson = (store: ModelStore, path: string, value: object) =>
  writeText(store, path, `${JSON.stringify(value, null, 2)}\n`);

function cardText(modelType: string, title: string, rest: string): string {
  const isOwn = modelType === 'bmojo';
  const python = `\`\`\`python
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("FOLDER")
\`\`\`

`;
  return `---
library_name: ${isOwn ? 'bmojo' : 'transformers'}
tags:
- bmojo
- ${modelType}
---

# ${title}

Made with [bmojo](https://www.npmjs.com/package/bmojo), which opens it as well:

\`\`\`js
import {fromPretrained} from 'bmojo/node';
const {model, tokenizer} = await fromPretrained('FOLDER');
\`\`\`

${isOwn ? '' : python}${rest}`;
}

/** A tokenizer.json; our own form has no place for ids before a text. */
function tokenizerJson(tokenizer: Tokenizer, modelType: string, startTokens?: readonly number[]): object {
  const own = modelType === 'bmojo' ? tokenizer.toJSON() : huggingFaceJson(tokenizer);
  if (startTokens === undefined || String(startTokensOf(own)) === String(startTokens)) return own;
  return withStartTokens(huggingFaceJson(tokenizer), startTokens);
}

/**
 * Writes a model as a folder of the Hub, in the layout that says everything about it (`model_type: bmojo` where no other does):
 * weights, tokenizer.json, generation_config.json, README.md, and config.json last.
 *
 * Errors: ModelFormatError for weights that are not finite or beyond the range of `dtype`, or a tokenizer with more ids than
 * the model has; the signal's reason.
 */
export async function writePretrained(
  store: ModelStore,
  {model, tokenizer, chatTemplate, stopTokens, startTokens, context, card = ''}: PretrainedContents,
  options: WritePretrainedOptions = {},
): Promise<WrittenPretrained> {
  const {config} = model;
  if (tokenizer !== undefined && tokenizer.vocabSize > config.vocabSize)
    throw new ModelFormatError(
      `the tokenizer has ${tokenizer.vocabSize} ids, the model only ${config.vocabSize}`,
    );
  const chosen = layoutFor(config);
  const {modelType, architecture} = chosen.layout;
  const ends = stopTokens ?? (tokenizer?.endOfText === undefined ? [] : [tokenizer.endOfText]);
  const ids = {
    bos_token_id: null,
    eos_token_id: ends.length > 1 ? ends : (ends[0] ?? null),
    pad_token_id: null,
  };
  const files = await writeWeights(store, outgoing(chosen, model.parameters()), options);
  if (tokenizer !== undefined) {
    files.push(await writeJson(store, 'tokenizer.json', tokenizerJson(tokenizer, modelType, startTokens)));
    if (modelType !== 'bmojo' || chatTemplate !== undefined)
      files.push(
        await writeJson(store, 'tokenizer_config.json', {
          tokenizer_class: 'PreTrainedTokenizerFast',
          ...chatTemplate?.toJSON(),
        }),
      );
  }
  files.push(await writeJson(store, 'generation_config.json', ids));
  const title = `${modelType}, ${model.parameterCount().toLocaleString('en-US')} parameters`;
  files.push(await writeText(store, 'README.md', cardText(modelType, title, card)));
  const full = {
    architectures: [architecture],
    ...chosen.config,
    ...(context === undefined ? {} : {max_position_embeddings: context}),
    ...ids,
    dtype: options.dtype ?? 'float32',
  };
  files.push(await writeJson(store, 'config.json', full));
  return {modelType, files};
}
