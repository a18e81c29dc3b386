// The parts that models are put together from, out of one configuration.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {reshape, tidy} from '@tensorflow/tfjs-core';
import type {LinearHead, MixerSettings, TiedHead} from '../layers/index.js';
import {BMojoMixer, mixerSchema, ResidualBlock, SwiGLU, TokenEmbedding} from '../layers/index.js';
import type {ModelConfig} from './config.js';
import {mixerConfig} from './parameters.js';

/** The first layer of a model: token ids of any length. */
export function embeddingOf({vocabSize, dModel, dropout, seed}: ModelConfig): TokenEmbedding {
  return new TokenEmbedding({
    name: 'embedding',
    vocabSize,
    dim: dModel,
    dropout,
    seed,
    inputShape: [null],
    dtype: 'int32',
  });
}

function mixerOf(config: ModelConfig, index: number): BMojoMixer {
  const own = mixerConfig(config, index);
  const entries = Object.keys(mixerSchema).map(key => [key, own[key as keyof MixerSettings]]);
  const settings: MixerSettings = Object.fromEntries(entries);
  const seed = (config.seed + 7919 * (index + 1)) % 2 ** 31;
  return new BMojoMixer({...settings, seed});
}

/** The residual blocks of a model, in order. */
export function blocksOf(config: ModelConfig): ResidualBlock[] {
  const {layers, mlp, mlpWidth, dropout, seed} = config;
  const stack: ResidualBlock[] = [];
  for (let index = 0; index < layers; index++) {
    stack.push(new ResidualBlock({name: `block_${index}`, dropout, layer: mixerOf(config, index)}));
    if (!mlp) continue;
    const layer = new SwiGLU({hidden: mlpWidth, seed: (seed + 104729 * (index + 1)) % 2 ** 31});
    stack.push(new ResidualBlock({name: `mlp_${index}`, dropout, layer}));
  }
  return stack;
}

/** Logits [R, V] of rows of hidden states [R, D]. */
export function rowLogits(head: TiedHead | LinearHead, hidden: Tensor2D): Tensor2D {
  const [rows, width] = hidden.shape;
  return tidy(() => {
    const logits = head.logits(reshape(hidden, [1, rows, width]) as Tensor3D);
    return reshape(logits, [rows, logits.shape[2]]);
  });
}
