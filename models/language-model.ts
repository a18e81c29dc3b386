// Language models of our layers: built from one configuration, trained through `hidden`, decoded through `step`.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {tidy} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type {HostInput} from '../custom-ops/index.js';
import {rotaryAngles, withRotaryTable} from '../custom-ops/index.js';
import type {LayerState, MixerAnalysis, TrainingCall} from '../layers/index.js';
import {
  BMojoMixer,
  disposeState,
  LinearHead,
  ResidualBlock,
  RMSNorm,
  StreamingLayer,
  TiedHead,
  TokenEmbedding,
} from '../layers/index.js';
import {blocksOf, embeddingOf, rowLogits} from './assembly.js';
import type {ModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import {recomputed} from './recompute.js';
import type {Parameter} from './trainable-weights.js';
import {parametersOf, sizeOf} from './trainable-weights.js';

const METADATA_KEY = 'bmojoModel';

/**
 * A causal language model, tokens [B, L] -> logits [B, L, V]: embedding, pre-norm residual blocks, RMSNorm, head (tied unless `tieHead` is off).
 *
 * Defaults: `modelSchema`, and what the preset sets. Errors: SettingError.
 */
export function createModel(given: Partial<ModelConfig> = {}): tfl.Sequential {
  const config = parseModelConfig(given);
  const {vocabSize, tieHead, seed} = config;
  const model = tfl.sequential({
    layers: [
      embeddingOf(config),
      ...blocksOf(config),
      new RMSNorm({name: 'final_norm'}),
      tieHead ? new TiedHead({name: 'head'}) : new LinearHead({name: 'head', vocabSize, seed}),
    ],
  });
  model.setUserDefinedMetadata({[METADATA_KEY]: config});
  return model;
}

/** Memory of every layer of a model between pieces of a sequence. */
export type ModelState = {
  readonly position: number;
  readonly layers: LayerState[];
};

export interface LanguageModelOptions {
  /** In training, keep only the input of every block and compute the rest again for the gradient. Default false. */
  readonly recompute?: boolean;
}

/** A view of a LayersModel from `createModel` (or loaded from its files) for training and decoding. */
export class LanguageModel {
  readonly config: ModelConfig;
  private readonly embedding: TokenEmbedding;
  private readonly blocks: readonly StreamingLayer[];
  private readonly head: TiedHead | LinearHead;

  private readonly recompute: boolean;

  /** Errors: Error when the model is not of the kind that `createModel` builds. */
  constructor(
    readonly model: tfl.LayersModel,
    {recompute = false}: LanguageModelOptions = {},
  ) {
    this.recompute = recompute;
    const layers = model.layers.filter(layer => !layer.getClassName().includes('InputLayer'));
    const [first, last] = [layers[0], layers[layers.length - 1]];
    const blocks = layers.slice(1, -1).filter(layer => layer instanceof StreamingLayer);
    const isHead = last instanceof TiedHead || last instanceof LinearHead;
    if (!(first instanceof TokenEmbedding && isHead && blocks.length === layers.length - 2)) {
      const found = layers.map(layer => layer.getClassName()).join(', ');
      throw new Error(
        `LanguageModel: model must be TokenEmbedding, streaming layers, TiedHead or LinearHead (see createModel), got ${found}`,
      );
    }
    this.embedding = first;
    this.blocks = blocks;
    this.head = last;
    const metadata = model.getUserDefinedMetadata() as Record<string, Partial<ModelConfig>> | undefined;
    const config = metadata?.[METADATA_KEY];
    if (config === undefined)
      throw new Error('LanguageModel: the model carries no bmojo configuration (see createModel)');
    this.config = parseModelConfig(config);
  }

  static create(config: Partial<ModelConfig> = {}, options: LanguageModelOptions = {}): LanguageModel {
    return new LanguageModel(createModel(config), options);
  }

  parameters(): Parameter[] {
    return parametersOf(this.model);
  }

  /** Hidden states after the final norm: tokens [B, L] int32 -> [B, L, D]. Nothing is dropped unless `training` is given. */
  hidden(tokens: Tensor2D, training?: TrainingCall): Tensor3D {
    let x = this.embedding.apply(tokens, {...training}) as Tensor3D;
    for (const block of this.blocks) {
      x = this.recompute ? recomputed(block, x, {training}).y : (block.apply(x, {...training}) as Tensor3D);
    }
    return x;
  }

  /**
   * Hidden states [B, L, D] of the next tokens [B, L] int32 and the new memory; gradients end at the old one. Nothing is
   * dropped unless `training` is given.
   * The old state stays valid until it is disposed with `disposeModelState`.
   */
  advance(
    tokens: Tensor2D,
    state: ModelState,
    training?: TrainingCall,
  ): {hidden: Tensor3D; state: ModelState} {
    const layers: LayerState[] = [];
    let x = this.embedding.apply(tokens, {...training}) as Tensor3D;
    this.blocks.forEach((block, index) => {
      const previous = x;
      const result = this.recompute
        ? recomputed(block, previous, {past: state.layers[index], training})
        : block.step(previous, state.layers[index], training);
      previous.dispose();
      layers.push(result.state);
      x = result.y;
    });
    return {hidden: x, state: {position: state.position + tokens.shape[1], layers}};
  }

  /** What every mixer does with tokens [B, L] int32, in order of the layers; the caller disposes all tensors. */
  analyze(tokens: Tensor2D): MixerAnalysis[] {
    const analyses: MixerAnalysis[] = [];
    let x = this.embedding.apply(tokens) as Tensor3D;
    for (const block of this.blocks) {
      const input = x;
      if (block instanceof ResidualBlock && block.layer instanceof BMojoMixer) {
        const normalised = tidy(() => block.normalise(input));
        analyses.push(block.layer.analyze(normalised));
        normalised.dispose();
      }
      x = tidy(() => block.apply(input) as Tensor3D);
      input.dispose();
    }
    x.dispose();
    return analyses;
  }

  /** Logits of chosen rows of hidden states: [R, D] -> [R, V]. */
  logits(hidden: Tensor2D): Tensor2D {
    return rowLogits(this.head, hidden);
  }

  initialState(batch: number): ModelState {
    return {position: 0, layers: this.blocks.map(block => block.initialState(batch))};
  }

  /**
   * Feeds the next tokens [B, L] int32 and returns their logits [B, L, V] and the new memory.
   * The old state stays valid until it is disposed with `disposeModelState`.
   */
  step(tokens: Tensor2D, state: ModelState): {logits: Tensor3D; state: ModelState} {
    const next = this.advance(tokens, state);
    const logits = this.head.logits(next.hidden);
    next.hidden.dispose();
    return {logits, state: next.state};
  }

  /**
   * What the model takes from the host, beside tokens, for tokens position .. position + length - 1: the rotary table
   * [length, Dh], or nothing. A step that is recorded declares it as an input and hands it to `withRotary`.
   */
  rotaryInputs(position: number, length: number): HostInput[] {
    const {attention, positions, rotaryBase, heads, headWidth, dModel} = this.config;
    if (!attention || positions !== 'rotary') return [];
    const width = headWidth === 0 ? dModel / heads : headWidth;
    const rows = Array.from({length}, (_, row) => position + row);
    return [{values: Float32Array.from(rotaryAngles(rows, width, rotaryBase)), shape: [length, width]}];
  }

  /** Runs `body`, which feeds the tokens at `position`, with the table of `rotaryInputs` for them. */
  withRotary<T>(cosSin: Tensor2D | undefined, position: number, body: () => T): T {
    if (cosSin === undefined) return body();
    return withRotaryTable({cosSin, base: this.config.rotaryBase, offset: position}, body);
  }

  /** Bytes of memory that decoding one sequence holds after `length` tokens (default: the most it ever takes). */
  stateSize(length?: number): number {
    return this.blocks.reduce((total, block) => total + block.stateSize(length), 0);
  }

  /** Number of trainable numbers. */
  parameterCount(): number {
    return sizeOf(this.parameters());
  }
}

export function disposeModelState(state: ModelState): void {
  for (const layer of state.layers) disposeState(layer);
}
