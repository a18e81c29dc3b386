// The layers of a language model in the order in which a token goes through them.

import type * as tfl from '@tensorflow/tfjs-layers';
import {refuse} from '../custom-ops/check.js';
import {ArgumentError} from '../custom-ops/index.js';
import {LinearHead, StreamingLayer, TiedHead, TokenEmbedding} from '../layers/index.js';

export interface ModelParts {
  readonly embedding: TokenEmbedding;
  /** What lies between embedding and head, each [B, L, D] -> [B, L, D]. */
  readonly blocks: readonly StreamingLayer[];
  readonly head: TiedHead | LinearHead;
}

/** The parts of a language model. Errors: ArgumentError where it is made of other layers. */
export function partsOf(model: tfl.LayersModel): ModelParts {
  if (!Array.isArray(model?.layers))
    refuse('LanguageModel', 'model', 'a LayersModel, such as of createModel', typeof model);
  const layers = model.layers.filter(layer => !layer.getClassName().includes('InputLayer'));
  const [embedding, head] = [layers[0], layers[layers.length - 1]];
  const blocks = layers.slice(1, -1).filter(layer => layer instanceof StreamingLayer);
  const isHead = head instanceof TiedHead || head instanceof LinearHead;
  if (embedding instanceof TokenEmbedding && isHead && blocks.length === layers.length - 2)
    return {embedding, blocks, head};
  const found = layers.map(layer => layer.getClassName()).join(', ');
  throw new ArgumentError(
    'LanguageModel',
    'model',
    'TokenEmbedding, streaming layers, TiedHead or LinearHead (see createModel)',
    found,
  );
}
