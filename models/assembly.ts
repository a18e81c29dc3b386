// The layers that models are put together from, out of one configuration; nothing is allocated before they are built.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {reshape, tidy, Variable} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type {StreamingLayer} from '../layers/index.js';
import {
  BMojoMixer,
  LinearHead,
  ResidualBlock,
  RMSNorm,
  SequenceDecoder,
  ShortConvMixer,
  SwiGLU,
  TiedHead,
  TokenEmbedding,
} from '../layers/index.js';
import type {ModelConfig, PartialModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import type {PlannedLayer} from './layer-plan.js';
import {layerPlan} from './layer-plan.js';
import {markModel} from './model-config.js';

/** Stages of an auto-encoder's decoder, as in MAD. */
const DECODER_DEPTH = 2;

/** The residual blocks of a model, in order: of each layer its mixer, then its SwiGLU where it has one. */
export function blocksOf(config: ModelConfig): ResidualBlock[] {
  return layerPlan(config).flatMap((planned, index) => {
    const {mlp, mlpWidth: hidden, mlpBias: bias, dropout, normEpsilon: epsilon} = planned;
    const block = new ResidualBlock({name: `block_${index}`, epsilon, dropout, layer: mixerOf(planned)});
    if (!mlp) return [block];
    const {precision} = config;
    const layer = new SwiGLU({hidden, bias, precision, seed: (config.seed + 104729 * (index + 1)) % 2 ** 31});
    return [block, new ResidualBlock({name: `mlp_${index}`, epsilon, dropout, layer})];
  });
}

function mixerOf({mixer, shortConv}: PlannedLayer): StreamingLayer {
  if (!shortConv) return new BMojoMixer(mixer);
  const {convWidth, convBias, projectionBias, precision, seed} = mixer;
  return new ShortConvMixer({convWidth, convBias, projectionBias, precision, seed});
}

/** The layers of a model, from token ids of any length to logits. */
export function layersOf(config: ModelConfig): tfl.layers.Layer[] {
  const {
    vocabSize,
    dModel,
    dropout,
    backbone,
    tieHead,
    headBias: bias,
    normEpsilon,
    precision,
    seed,
  } = config;
  const isCausal = backbone === 'causal';
  return [
    new TokenEmbedding({
      name: 'embedding',
      vocabSize,
      dim: dModel,
      dropout,
      seed,
      inputShape: [null],
      dtype: 'int32',
    }),
    ...blocksOf(config),
    ...(isCausal ? [] : [new SequenceDecoder({name: 'decoder', depth: DECODER_DEPTH, precision, seed})]),
    new RMSNorm({name: 'final_norm', epsilon: normEpsilon}),
    isCausal && tieHead
      ? new TiedHead({name: 'head', precision})
      : new LinearHead({name: 'head', vocabSize, bias, precision, seed}),
  ];
}

/**
 * A causal language model, tokens [B, L] -> logits [B, L, V]: embedding, pre-norm residual blocks, RMSNorm, head (tied unless `tieHead` is off).
 *
 * Defaults: `modelSchema`, and what the preset sets. Errors: SettingError.
 */
export function createModel(given: PartialModelConfig = {}): tfl.Sequential {
  const config = parseModelConfig(given);
  const model = tfl.sequential({layers: layersOf({...config, backbone: 'causal'})});
  markModel(model, config);
  return model;
}

/** Logits [R, V] of rows of hidden states [R, D]. */
export function headLogits(head: TiedHead | LinearHead, hidden: Tensor2D): Tensor2D {
  const [rows, width] = hidden.shape;
  return tidy(() => {
    const logits = head.logits(reshape(hidden, [1, rows, width]) as Tensor3D);
    return reshape(logits, [rows, logits.shape[2]]);
  });
}

/** The variables of which a head makes logits from hidden states. */
export function headWeights(head: TiedHead | LinearHead): Variable[] {
  const {trainableWeights} = head instanceof TiedHead ? head.tied() : head;
  return trainableWeights.map(weight => {
    const variable = weight.read();
    if (variable instanceof Variable) return variable;
    throw new Error(`${weight.originalName} is no variable`);
  });
}
