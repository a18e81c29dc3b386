// The auto-encoder around the mixers under test: MAD's compression asks for it.

import type {Tensor, Tensor2D, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {tidy} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type {TrainingCall} from '../layers/index.js';
import {LinearHead, StreamingLayer} from '../layers/index.js';
import {headLogits, headWeights, layersOf} from './assembly.js';
import type {ModelConfig, PartialModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import {halvesCount} from './held-weights.js';
import {markModel} from './model-config.js';
import {ModelFormatError} from './model-format.js';
import {layersUseFloat16} from './precision.js';
import type {Parameter} from './trainable-weights.js';
import {parametersOf, sizeOf} from './trainable-weights.js';

/**
 * Tokens [B, L] -> logits [B, L, V] of the same tokens, rebuilt from the last position's vector alone.
 *
 * Embedding and residual blocks as in `createModel`, then SequenceDecoder, RMSNorm and an untied head.
 * Quirk: every weight keeps the start of its own layer, where MAD's source overwrites them, Mamba's step bias included.
 * Source: `mad/model/auto_encoder.py` of athms/mad-lab.
 */
export class AutoEncoder {
  private readonly head: LinearHead;

  private constructor(
    readonly model: tfl.LayersModel,
    readonly config: ModelConfig,
  ) {
    const last = model.layers[model.layers.length - 1];
    if (!(last instanceof LinearHead))
      throw new ModelFormatError(`an auto-encoder ends with a LinearHead, got ${last?.getClassName()}`);
    this.head = last;
  }

  /** Errors: SettingError. */
  static create(given: PartialModelConfig = {}): AutoEncoder {
    const config = parseModelConfig({...given, backbone: 'autoencoder'});
    const model = tfl.sequential({layers: layersOf(config)});
    markModel(model, config);
    return new AutoEncoder(model, config);
  }

  /** The view of a model that `create` has built, loaded from its files. Errors: ModelFormatError for any other. */
  static of(model: tfl.LayersModel, config: ModelConfig): AutoEncoder {
    return new AutoEncoder(model, config);
  }

  parameters(): Parameter[] {
    return parametersOf(this.model);
  }

  /** Whether some of its products are computed in float16, for which training scales the loss. */
  get usesFloat16(): boolean {
    return layersUseFloat16(this.model.layers);
  }

  /** Vectors before the head: tokens [B, L] int32 -> [B, L, D]. Nothing is dropped unless `training` is given. */
  hidden(tokens: Tensor2D, training?: TrainingCall): Tensor3D {
    const layers = this.model.layers.filter(layer => !(layer instanceof LinearHead));
    return tidy(
      () => layers.reduce<Tensor>((x, layer) => layer.apply(x, {...training}) as Tensor, tokens) as Tensor3D,
    );
  }

  /** Logits of chosen rows: [R, D] -> [R, V]. */
  logits(hidden: Tensor2D): Tensor2D {
    return headLogits(this.head, hidden);
  }

  /** The weights of which `logits` makes them. */
  headWeights(): Variable[] {
    return headWeights(this.head);
  }

  /** Number of token ids V. */
  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /** Bytes that the encoder's memory holds after `length` tokens of one sequence. */
  stateBytes(length?: number): number {
    return this.model.layers
      .filter(layer => layer instanceof StreamingLayer)
      .reduce((total, layer) => total + layer.stateBytes(this.config.dModel, length), 0);
  }

  /** Number of numbers that training changes. */
  parameterCount(): number {
    return sizeOf(this.parameters()) + halvesCount(this.model);
  }
}
