// A small language model with a tokenizer, an auto-encoder, and what a model answers: for tests of model folders.

import type {Tensor} from '@tensorflow/tfjs-core';
import {tensor2d, tidy} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {charTokenizer} from '../../data/tokenizers/index.js';
import {AutoEncoder, LanguageModel} from '../../models/index.js';
import type {CardTraining, ModelContents} from '../../models/model-folder/index.js';

const small = {dModel: 16, heads: 2, window: 4, eideticSlots: 4, stateSize: 4, layers: 2, seed: 3} as const;

export const tokenizer = charTokenizer([...'\n abcdefgh']);

export const training: CardTraining = {
  task: 'lm',
  step: 12,
  weights: 'best',
  backend: 'cpu',
  settings: {seed: 5, rate: 0.001},
  evaluation: {step: 12, report: {loss: 1.5}},
};

export function languageContents(): ModelContents & {model: LanguageModel} {
  const model = LanguageModel.create({...small, vocabSize: tokenizer.vocabSize});
  return {model, tokenizer, training, command: 'bmojo train lm --data letters'};
}

export function encoderContents(): ModelContents {
  return {model: AutoEncoder.create({...small, vocabSize: 8})};
}

/** Logits of eight tokens, bit for bit. */
export function answers(model: tfl.LayersModel): number[] {
  return tidy(() => {
    const tokens = tensor2d([[1, 2, 3, 7, 0, 4, 4, 1]], undefined, 'int32');
    return [...(model.predict(tokens) as Tensor).dataSync()];
  });
}
