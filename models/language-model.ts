// Language models of our layers: built from one configuration, trained through `hidden`, decoded through `step`.

import type {Tensor2D, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {dispose, Tensor, tidy} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {refuse} from '../custom-ops/check.js';
import type {HostInput} from '../custom-ops/index.js';
import {ArgumentError} from '../custom-ops/index.js';
import type {
  BMojoMixer,
  GivenContext,
  MixerAnalysis,
  MixerState,
  MixerStepAnalysis,
  RetrievedRows,
  RotarySpec,
  RotaryTable,
  StepContext,
  StepKind,
  TrainingCall,
} from '../layers/index.js';
import {TiedHead} from '../layers/index.js';
import {distinctRotary} from '../layers/step-context.js';
import {advanced, advancedWith, hiddenOf} from './advance.js';
import {createModel, headLogits, headWeights} from './assembly.js';
import type {ModelConfig, PartialModelConfig} from './config.js';
import {halvesCount} from './held-weights.js';
import type {CompileOptions} from './keras-training.js';
import {compileModel, fitModel} from './keras-training.js';
import type {MixerBlock, MixerVisit, StorageVisit} from './mixer-blocks.js';
import {isMixerBlock} from './mixer-blocks.js';
import {analyzeMixers, analyzeMixersStep, initialAnalysis, walkMixers} from './mixer-walk.js';
import {markOf} from './model-config.js';
import type {ModelParts} from './model-parts.js';
import {partsOf} from './model-parts.js';
import {layersUseFloat16} from './precision.js';
import type {ModelShapes, ModelState} from './state.js';
import {jointKind, rotaryContext, rotaryInputs, rotaryTables} from './step-inputs.js';
import type {Parameter} from './trainable-weights.js';
import {parametersOf, sizeOf} from './trainable-weights.js';

/** Options of {@link LanguageModel}, all of which may be left out. */
export interface LanguageModelOptions {
  /** In training, keep only the input of every block and compute the rest again for the gradient. Default false. */
  readonly recompute?: boolean;
}

/**
 * A view of a LayersModel for training and decoding: from `createModel`, loaded from its files, or put together by hand from a
 * TokenEmbedding, streaming layers and a head, whatever the head's activation.
 */
export class LanguageModel {
  private readonly ownConfig: ModelConfig | undefined;
  private readonly parts: ModelParts;
  private readonly recompute: boolean;
  private readonly rotarySpecs: readonly RotarySpec[];

  /** Errors: ArgumentError when the model is none of those layers. */
  constructor(
    readonly model: tfl.LayersModel,
    {recompute = false}: LanguageModelOptions = {},
  ) {
    this.parts = partsOf(model);
    this.recompute = recompute;
    this.ownConfig = markOf(model);
    this.rotarySpecs = distinctRotary(this.parts.blocks.flatMap(block => block.rotarySpecs(this.dModel)));
  }

  /** Errors: ArgumentError for a model that was put together by hand. */
  get config(): ModelConfig {
    if (this.ownConfig !== undefined) return this.ownConfig;
    throw new ArgumentError(
      'LanguageModel',
      'model',
      'of createModel for this, which knows its configuration',
      'one put together by hand, which carries no bmojo configuration',
    );
  }

  /** Number of token ids V. */
  get vocabSize(): number {
    return this.parts.embedding.vocabSize;
  }

  /** Model width D. */
  get dModel(): number {
    return this.parts.embedding.dim;
  }

  /** Whether some of its products are computed in float16, for which training scales the loss. */
  get usesFloat16(): boolean {
    return layersUseFloat16([...this.parts.blocks, this.parts.head]);
  }

  /** Says which model this is, in saved states: its configuration, or that of its layers. */
  get identity(): string {
    if (this.ownConfig !== undefined) return JSON.stringify(this.ownConfig);
    const {embedding, blocks, head} = this.parts;
    return JSON.stringify([embedding, ...blocks, head].map(layer => layer.getConfig()));
  }

  static create(config: PartialModelConfig = {}, options: LanguageModelOptions = {}): LanguageModel {
    return new LanguageModel(createModel(config), options);
  }

  /**
   * Prepares `fit`: `model.compile({optimizer: tf.train.adam(3e-3)})`.
   * Errors: ArgumentError without an optimizer, for a loss that the head does not give the numbers for, and for a model with
   * `recompute`, which tf's fit would do without.
   */
  compile(options: CompileOptions): void {
    if (this.recompute)
      throw new ArgumentError('LanguageModel.compile', 'recompute', 'off: bmojo/train trains with it', 'on');
    compileModel(this.model, options, this.givesProbabilities);
  }

  /**
   * Trains as tf's `fit` does: tokens [B, L] and, of each, the label [B, L] or [B, L, 1]: the id to predict there, -100 for none
   * where the head gives logits. Errors: ArgumentError before `compile`, for other shapes, and for ids outside the vocabulary.
   */
  fit(tokens: Tensor, labels: Tensor, args: tfl.ModelFitArgs = {}): Promise<tfl.History> {
    const {vocabSize, givesProbabilities: isProbability} = this;
    return fitModel(this.model, {tokens, labels, vocabSize, isProbability}, args);
  }

  private get givesProbabilities(): boolean {
    const {head} = this.parts;
    return head instanceof TiedHead && head.isProbability;
  }

  parameters(): Parameter[] {
    return parametersOf(this.model);
  }

  /** Hidden states after the final norm: tokens [B, L] int32 -> [B, L, D]. Nothing is dropped unless `training` is given. */
  hidden(tokens: Tensor2D, training?: TrainingCall): Tensor3D {
    return hiddenOf(this.parts, tokens, {recompute: this.recompute, training});
  }

  /**
   * Hidden states [B, L, D] of the next tokens [B, L] int32 and the new memory; gradients end at the old one, which stays
   * valid until it is disposed with `disposeModelState`. `context`: what the step was given beside them; its position is
   * the memory's. Nothing is dropped unless it holds `training`.
   */
  advance(
    tokens: Tensor2D,
    state: ModelState,
    given: GivenContext = {},
  ): {hidden: Tensor3D; state: ModelState} {
    const {position, room} = state;
    const own = given.rotary === undefined ? this.tables(position, tokens.shape[1]) : [];
    const context: StepContext = {rotary: own, ...given, position, room};
    const result = advanced(this.parts, tokens, state, {recompute: this.recompute, context});
    dispose(own.map(({cosSin}) => cosSin));
    return result;
  }

  /** The mixers with memory in storage, by the number of their layer. */
  storageMixers(): {readonly layer: number; readonly mixer: BMojoMixer}[] {
    return this.mixerBlocks()
      .map(({layer: mixer}, layer) => ({layer, mixer}))
      .filter(({mixer}) => mixer.settings.storage > 0);
  }

  /** The memory of one of these mixers. */
  mixerState(state: ModelState, layer: number): MixerState {
    const block = this.mixerBlocks()[layer];
    return state.layers[this.parts.blocks.indexOf(block)] as MixerState;
  }

  /** As `advance`, where a store outside the model holds what left the windows: `retrieve` is asked on the way. */
  async advanceWith(
    retrieve: (visit: StorageVisit) => Promise<RetrievedRows | undefined>,
    tokens: Tensor2D,
    state: ModelState,
  ): Promise<{hidden: Tensor3D; state: ModelState}> {
    const rotary = this.tables(state.position, tokens.shape[1]);
    try {
      return await advancedWith(retrieve, this.parts, tokens, state, {rotary, position: state.position});
    } finally {
      dispose(rotary.map(({cosSin}) => cosSin));
    }
  }

  private mixerBlocks(): MixerBlock[] {
    return this.parts.blocks.filter(isMixerBlock);
  }

  /** What every mixer does with tokens [B, L] int32, in order of the layers; the caller disposes all tensors. */
  analyze(tokens: Tensor2D): MixerAnalysis[] {
    return analyzeMixers(this.parts, tokens);
  }

  /** The memory with which `analyzeStep` begins `batch` sequences. */
  initialAnalysis(batch: number): ModelState {
    return initialAnalysis(this.parts, batch);
  }

  /**
   * What every mixer does with the next tokens [B, L] int32, in order of the layers, and what their successors are analysed
   * with: the memory that this takes is the same however long a text is. The caller disposes all tensors; the old memory stays
   * valid until then.
   */
  analyzeStep(
    tokens: Tensor2D,
    state: ModelState,
  ): {analyses: Omit<MixerStepAnalysis, 'y' | 'state'>[]; state: ModelState} {
    return analyzeMixersStep(this.parts, tokens, state, () => this.tables(state.position, tokens.shape[1]));
  }

  /**
   * Walks through the mixers in order of the layers, each with its input [B, L, D]: whoever walks answers with the mixer's
   * output [B, L, D], which stays theirs, and gets what `hidden` gives in the end.
   */
  mixers(tokens: Tensor2D): Generator<MixerVisit, Tensor3D, Tensor3D> {
    return walkMixers(this.parts, tokens);
  }

  /** Logits of chosen rows of hidden states: [R, D] -> [R, V]. Errors: ArgumentError for what is no such tensor. */
  logits(hidden: Tensor2D): Tensor2D {
    checkHidden(hidden, this.dModel);
    return headLogits(this.parts.head, hidden);
  }

  /** The weights of which `logits` makes them. */
  headWeights(): Variable[] {
    return headWeights(this.parts.head);
  }

  initialState(batch: number): ModelState {
    return {position: 0, layers: this.parts.blocks.map(block => block.initialState(batch))};
  }

  /**
   * Feeds the next tokens [B, L] int32 and returns their logits [B, L, V] and the new memory.
   * The old state stays valid until it is disposed with `disposeModelState`.
   */
  step(tokens: Tensor2D, state: ModelState): {logits: Tensor3D; state: ModelState} {
    const next = this.advance(tokens, state);
    const logits = this.parts.head.logits(next.hidden);
    next.hidden.dispose();
    return {logits, state: next.state};
  }

  /** Shapes of one sequence's memory at a position, with room for `room` tokens, by default no more than there are. */
  stateShapes(position: number, room?: number): ModelShapes {
    const {dModel} = this;
    return {
      position,
      room,
      layers: this.parts.blocks.map(block => block.stateShapes(dModel, position, room)),
    };
  }

  /**
   * The same memory with room for `to` tokens, by default no more than it holds: while there is room, its shapes stay as they
   * are from token to token. Before the first token there is no memory yet, and no room in it. Tensors that need no change are
   * those of `state`, which stays valid.
   */
  withRoom({position, room: from, layers}: ModelState, to?: number): ModelState {
    return tidy(() => ({
      position,
      room: position === 0 ? undefined : to,
      layers: this.parts.blocks.map((block, index) => block.withRoom(layers[index], position, {from, to})),
    }));
  }

  /** Bytes of memory that decoding one sequence holds after `length` tokens (default: the most it ever takes). */
  stateBytes(length?: number): number {
    const {dModel} = this;
    return this.parts.blocks.reduce((total, block) => total + block.stateBytes(dModel, length), 0);
  }

  /** What kind of step feeds `length` tokens behind `position` others. */
  stepKind(position: number, length: number): StepKind {
    return jointKind(this.parts.blocks.map(block => block.stepKind(position, length)));
  }

  /**
   * What a step takes from the host beside its tokens, for tokens position .. position + length - 1: rotary tables
   * [length, Dh]. A step that is recorded declares them as inputs and makes its context from them by `contextOf`.
   */
  hostInputs(position: number, length: number): HostInput[] {
    return rotaryInputs(this.rotarySpecs, position, length);
  }

  /** The context of a step whose `hostInputs` are these tensors. */
  contextOf(tensors: readonly Tensor[], training?: TrainingCall): GivenContext {
    return rotaryContext(this.rotarySpecs, tensors, training);
  }

  /** Number of numbers that training changes. */
  parameterCount(): number {
    return sizeOf(this.parameters()) + halvesCount(this.model);
  }

  private tables(position: number, length: number): RotaryTable[] {
    return rotaryTables(this.rotarySpecs, position, length);
  }
}

/** Errors: ArgumentError for anything but a tensor [R, D]. */
function checkHidden(hidden: unknown, width: number): void {
  if (!(hidden instanceof Tensor))
    refuse('LanguageModel.logits', 'hidden', `a tensor [R, D] = [R, ${width}]`, hidden);
  if (hidden.rank !== 2 || hidden.shape[1] !== width)
    refuse('LanguageModel.logits', 'hidden', `of shape [R, D] = [R, ${width}]`, hidden.shape);
}
