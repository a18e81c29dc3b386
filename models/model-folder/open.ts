// A model folder becomes a model: by our own door, or by tf.loadLayersModel through a handler with the same checks.

import type {io} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {checkOneOf, refuse} from '../../custom-ops/check.js';
import type {ChatTemplate, Tokenizer} from '../../data/tokenizers/index.js';
import {weightDTypes} from '../../formats/weight-dtype.js';
import type {SequenceModel} from '../create.js';
import {sequenceModelOf} from '../create.js';
import {markOf} from '../model-config.js';
import {ModelFormatError} from '../model-format.js';
import {modelAtUrl} from './at-url.js';
import type {ModelCard} from './card.js';
import {generationOf} from './generation.js';
import {modelInHalves} from './in-halves.js';
import {CARD} from './parse-card.js';
import {readModel} from './read.js';
import type {ModelSource, OpenOptions, TransferOptions} from './source.js';

/** What a model folder holds, ready for use: the model, its tokenizer and its card. */
export interface OpenedModel {
  readonly model: SequenceModel;
  /** Of language models. */
  readonly tokenizer?: Tokenizer;
  /** The template for conversations, of models that were trained on them and whose card keeps it. */
  readonly chatTemplate?: ChatTemplate;
  /** None in folders of version 0.1.0 and of plain `model.save`. */
  readonly card?: ModelCard;
}

/**
 * Opens a model folder: `openModel('https://example.org/models/shakespeare')`, or any other source, such as
 * `modelInFiles(input.files)`.
 *
 * Every byte is held against the card's sizes and SHA-256 before a weight is used. The caller disposes `model.model`.
 * A folder without a card is opened with a warning: its files cannot be checked.
 * Errors: ModelFormatError for what is missing, damaged, of a later version or not one of our models; the signal's reason.
 */
export async function openModel(
  source: ModelSource | string | URL,
  options: OpenOptions = {},
): Promise<OpenedModel> {
  const from = typeof source === 'string' || source instanceof URL ? modelAtUrl(source) : source;
  if (typeof from?.read !== 'function')
    refuse('openModel', 'source', 'an address or a source of files such as modelAtUrl gives', source);
  const asked = checkOneOf('openModel', 'dtype', options.dtype ?? 'float32', weightDTypes);
  const {artifacts, dtype, card, tokenizer} = await readModel(from, options);
  const layers =
    asked === 'float32'
      ? await tfl.loadLayersModel({load: async () => artifacts})
      : modelInHalves(from.name, {artifacts, dtype}, asked);
  try {
    const model = sequenceModelOf(layers);
    if (card !== undefined && JSON.stringify(markOf(layers)) !== JSON.stringify(card.model.config))
      throw new ModelFormatError(`${from.name}: ${CARD} describes other settings than the model has`);
    if (card === undefined)
      console.warn(
        `bmojo: ${from.name} has no ${CARD}, as bmojo 0.1.0 wrote it: tokenizer and origin are unknown; write it anew with this version`,
      );
    const {chatTemplate} = await generationOf(card?.generation);
    return {
      model,
      ...(tokenizer === undefined ? {} : {tokenizer}),
      ...(chatTemplate === undefined ? {} : {chatTemplate}),
      ...(card === undefined ? {} : {card}),
    };
  } catch (error) {
    layers.dispose();
    throw error;
  }
}

/**
 * A handler for `tf.loadLayersModel` that reads a model folder with the checks of `openModel`, also a model that is none of
 * ours. Errors: as of `openModel`.
 */
export function modelHandler(source: ModelSource, options: TransferOptions = {}): io.IOHandler {
  return {load: async () => (await readModel(source, options)).artifacts};
}
