// Language models of our layers: built from one configuration, trained through `hidden`, decoded through `step`.

import type {Tensor2D, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {add, dispose, Tensor, tidy} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {refuse} from '../custom-ops/check.js';
import type {HostInput} from '../custom-ops/index.js';
import {ArgumentError} from '../custom-ops/index.js';
import {rotaryAngles} from '../custom-ops/rotary-embedding/table.js';
import type {
  GivenContext,
  MixerAnalysis,
  MixerAnalysisState,
  MixerState,
  MixerStepAnalysis,
  RetrievedRows,
  RotarySpec,
  RotaryTable,
  StateTree,
  StepContext,
  StepKind,
  TrainingCall,
} from '../layers/index.js';
import {
  type BMojoMixer,
  disposeState,
  LinearHead,
  StreamingLayer,
  TiedHead,
  TokenEmbedding,
} from '../layers/index.js';
import {distinctRotary, START, tableOf} from '../layers/step-context.js';
import {headLogits, headWeights, layersOf} from './assembly.js';
import type {ModelConfig, PartialModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import {halvesCount} from './held-weights.js';
import type {CompileOptions} from './keras-training.js';
import {compileModel, fitModel} from './keras-training.js';
import type {MixerBlock, MixerVisit, StorageVisit} from './mixer-blocks.js';
import {isMixerBlock, retrievedFor} from './mixer-blocks.js';
import {markModel, markOf} from './model-config.js';
import {layersUseFloat16} from './precision.js';
import {recomputed} from './recompute.js';
import type {ModelShapes, ModelState} from './state.js';
import type {Parameter} from './trainable-weights.js';
import {parametersOf, sizeOf} from './trainable-weights.js';

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
  private readonly embedding: TokenEmbedding;
  private readonly blocks: readonly StreamingLayer[];
  private readonly head: TiedHead | LinearHead;

  private readonly recompute: boolean;
  private readonly rotarySpecs: readonly RotarySpec[];

  /** Errors: ArgumentError when the model is none of those layers. */
  constructor(
    readonly model: tfl.LayersModel,
    {recompute = false}: LanguageModelOptions = {},
  ) {
    this.recompute = recompute;
    if (!Array.isArray(model?.layers))
      refuse('LanguageModel', 'model', 'a LayersModel, such as of createModel', typeof model);
    const layers = model.layers.filter(layer => !layer.getClassName().includes('InputLayer'));
    const [first, last] = [layers[0], layers[layers.length - 1]];
    const blocks = layers.slice(1, -1).filter(layer => layer instanceof StreamingLayer);
    const isHead = last instanceof TiedHead || last instanceof LinearHead;
    if (!(first instanceof TokenEmbedding && isHead && blocks.length === layers.length - 2)) {
      const found = layers.map(layer => layer.getClassName()).join(', ');
      throw new ArgumentError(
        'LanguageModel',
        'model',
        'TokenEmbedding, streaming layers, TiedHead or LinearHead (see createModel)',
        found,
      );
    }
    this.embedding = first;
    this.blocks = blocks;
    this.head = last;
    this.ownConfig = markOf(model);
    this.rotarySpecs = distinctRotary(blocks.flatMap(block => block.rotarySpecs(this.dModel)));
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
    return this.embedding.vocabSize;
  }

  /** Model width D. */
  get dModel(): number {
    return this.embedding.dim;
  }

  /** Whether some of its products are computed in float16, for which training scales the loss. */
  get usesFloat16(): boolean {
    return layersUseFloat16([...this.blocks, this.head]);
  }

  /** Says which model this is, in saved states: its configuration, or that of its layers. */
  get identity(): string {
    if (this.ownConfig !== undefined) return JSON.stringify(this.ownConfig);
    const {embedding, blocks, head} = this;
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
    return this.head instanceof TiedHead && this.head.isProbability;
  }

  parameters(): Parameter[] {
    return parametersOf(this.model);
  }

  /** Hidden states after the final norm: tokens [B, L] int32 -> [B, L, D]. Nothing is dropped unless `training` is given. */
  hidden(tokens: Tensor2D, training?: TrainingCall): Tensor3D {
    let x = this.embedding.apply(tokens, {...training}) as Tensor3D;
    for (const block of this.blocks) {
      x = this.recompute
        ? recomputed(block, x, {context: {...START, training}}).y
        : (block.apply(x, {...training}) as Tensor3D);
    }
    return x;
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
    const length = tokens.shape[1];
    const own = given.rotary === undefined ? this.rotaryTables(position, length) : [];
    const context: StepContext = {rotary: own, ...given, position, room};
    const layers: StateTree[] = [];
    let x = this.embedding.apply(tokens, {...context.training}) as Tensor3D;
    this.blocks.forEach((block, index) => {
      const previous = x;
      const result = this.recompute
        ? recomputed(block, previous, {past: state.layers[index], context})
        : block.step(previous, state.layers[index], context);
      previous.dispose();
      layers.push(result.state);
      x = result.y;
    });
    dispose(own.map(({cosSin}) => cosSin));
    return {hidden: x, state: {position: position + length, room, layers}};
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
    return state.layers[this.blocks.indexOf(block)] as MixerState;
  }

  /** As `advance`, where a store outside the model holds what left the windows: `retrieve` is asked on the way. */
  async advanceWith(
    retrieve: (visit: StorageVisit) => Promise<RetrievedRows | undefined>,
    tokens: Tensor2D,
    state: ModelState,
  ): Promise<{hidden: Tensor3D; state: ModelState}> {
    const {position} = state;
    const length = tokens.shape[1];
    const context: StepContext = {rotary: this.rotaryTables(position, length), position};
    const mixers = this.mixerBlocks();
    const layers: StateTree[] = [];
    let x = this.embedding.apply(tokens) as Tensor3D;
    try {
      for (const [index, block] of this.blocks.entries()) {
        const layer = isMixerBlock(block) ? mixers.indexOf(block) : -1;
        const outside = await retrievedFor(retrieve, mixers[layer], {layer, input: x, context});
        const result = block.step(x, state.layers[index], {...context, outside});
        x.dispose();
        if (outside?.retrieved !== undefined) dispose({...outside.retrieved});
        layers.push(result.state);
        x = result.y;
      }
    } catch (error) {
      x.dispose();
      layers.forEach(disposeState);
      throw error;
    } finally {
      dispose((context.rotary ?? []).map(({cosSin}) => cosSin));
    }
    return {hidden: x, state: {position: position + length, layers}};
  }

  private mixerBlocks(): MixerBlock[] {
    return this.blocks.filter(isMixerBlock);
  }

  /** What every mixer does with tokens [B, L] int32, in order of the layers; the caller disposes all tensors. */
  analyze(tokens: Tensor2D): MixerAnalysis[] {
    const analyses: MixerAnalysis[] = [];
    const walk = this.mixers(tokens);
    let visit = walk.next();
    while (!visit.done) {
      const {mixer, input} = visit.value;
      const analysis = mixer.analyze(input);
      analyses.push(analysis);
      visit = walk.next(analysis.y);
    }
    visit.value.dispose();
    return analyses;
  }

  /** The memory with which `analyzeStep` begins `batch` sequences. */
  initialAnalysis(batch: number): ModelState {
    const layers = this.blocks.map(block =>
      isMixerBlock(block) ? block.layer.initialAnalysis() : block.initialState(batch),
    );
    return {position: 0, layers};
  }

  /**
   * What every mixer does with the next tokens [B, L] int32, in order of the layers, and what their successors are analysed
   * with: the memory that this takes is the same however long a text is. The caller disposes all tensors; the old memory stays
   * valid until then.
   */
  analyzeStep(
    tokens: Tensor2D,
    {position, layers}: ModelState,
  ): {analyses: Omit<MixerStepAnalysis, 'y' | 'state'>[]; state: ModelState} {
    const length = tokens.shape[1];
    return tidy(() => {
      const context: StepContext = {rotary: this.rotaryTables(position, length), position};
      const analyses: Omit<MixerStepAnalysis, 'y' | 'state'>[] = [];
      const next: StateTree[] = [];
      let x = this.embedding.apply(tokens) as Tensor3D;
      for (const [index, block] of this.blocks.entries()) {
        const before = x;
        if (isMixerBlock(block)) {
          const past = layers[index] as MixerAnalysisState;
          const {y, state, ...analysis} = block.layer.analyzeStep(block.normalise(before), past, context);
          analyses.push(analysis);
          next.push(state);
          x = add(before, y);
          y.dispose();
        } else {
          const result = block.step(before, layers[index], context);
          next.push(result.state);
          x = result.y;
        }
        before.dispose();
      }
      return {analyses, state: {position: position + length, layers: next}};
    });
  }

  /**
   * Walks through the mixers in order of the layers, each with its input [B, L, D]: whoever walks answers with the mixer's
   * output [B, L, D], which stays theirs, and gets what `hidden` gives in the end.
   */
  *mixers(tokens: Tensor2D): Generator<MixerVisit, Tensor3D, Tensor3D> {
    let x = this.embedding.apply(tokens) as Tensor3D;
    for (const block of this.blocks) {
      const before = x;
      if (isMixerBlock(block)) {
        const input = tidy(() => block.normalise(before));
        let y: Tensor3D | undefined;
        try {
          y = yield {mixer: block.layer, input};
        } finally {
          input.dispose();
          if (y === undefined) before.dispose(); // whoever walks went no further
        }
        x = add(before, y);
      } else x = tidy(() => block.apply(before) as Tensor3D);
      before.dispose();
    }
    return x;
  }

  /** Logits of chosen rows of hidden states: [R, D] -> [R, V]. Errors: ArgumentError for what is no such tensor. */
  logits(hidden: Tensor2D): Tensor2D {
    checkHidden(hidden, this.dModel);
    return headLogits(this.head, hidden);
  }

  /** The weights of which `logits` makes them. */
  headWeights(): Variable[] {
    return headWeights(this.head);
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

  /** Shapes of one sequence's memory at a position, with room for `room` tokens, by default no more than there are. */
  stateShapes(position: number, room?: number): ModelShapes {
    const {dModel} = this;
    return {position, room, layers: this.blocks.map(block => block.stateShapes(dModel, position, room))};
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
      layers: this.blocks.map((block, index) => block.withRoom(layers[index], position, {from, to})),
    }));
  }

  /** Bytes of memory that decoding one sequence holds after `length` tokens (default: the most it ever takes). */
  stateBytes(length?: number): number {
    const {dModel} = this;
    return this.blocks.reduce((total, block) => total + block.stateBytes(dModel, length), 0);
  }

  /** What kind of step feeds `length` tokens behind `position` others. */
  stepKind(position: number, length: number): StepKind {
    return jointKind(this.blocks.map(block => block.stepKind(position, length)));
  }

  /**
   * What a step takes from the host beside its tokens, for tokens position .. position + length - 1: rotary tables
   * [length, Dh]. A step that is recorded declares them as inputs and makes its context from them by `contextOf`.
   */
  hostInputs(position: number, length: number): HostInput[] {
    // The table of the first positions is kept on the device.
    if (position === 0) return [];
    const rows = Array.from({length}, (_, row) => position + row);
    return this.rotarySpecs.map(({headWidth, base}) => ({
      values: Float32Array.from(rotaryAngles(rows, headWidth, base)),
      shape: [length, headWidth],
    }));
  }

  /** The context of a step whose `hostInputs` are these tensors. */
  contextOf(tensors: readonly Tensor[], training?: TrainingCall): GivenContext {
    const rotary = tensors.map((cosSin, i) => ({...this.rotarySpecs[i], cosSin: cosSin as Tensor2D}));
    return rotary.length === 0 ? {training} : {rotary, training};
  }

  /** Number of numbers that training changes. */
  parameterCount(): number {
    return sizeOf(this.parameters()) + halvesCount(this.model);
  }

  /** The tables of a step that is given none: made once for all layers. */
  private rotaryTables(position: number, length: number): RotaryTable[] {
    return this.rotarySpecs.map(spec => ({...spec, cosSin: tableOf({position}, length, spec)}));
  }
}

/**
 * The kind of a step of several layers: alike where it is alike in each, whose names stand in the order of the layers, and what
 * varies in one may vary in all.
 */
function jointKind(kinds: readonly StepKind[]): StepKind {
  const varying: Record<string, StepKind['varying'][string]> = {};
  for (const kind of kinds)
    for (const [op, change] of Object.entries(kind.varying)) {
      const before = varying[op];
      varying[op] = before === undefined ? change : attributes => change(before(attributes));
    }
  return {
    name: kinds.map(({name}) => name).join('; '),
    isPassing: kinds.some(({isPassing}) => isPassing),
    varying,
  };
}

/** Errors: ArgumentError for anything but a tensor [R, D]. */
function checkHidden(hidden: unknown, width: number): void {
  if (!(hidden instanceof Tensor))
    refuse('LanguageModel.logits', 'hidden', `a tensor [R, D] = [R, ${width}]`, hidden);
  if (hidden.rank !== 2 || hidden.shape[1] !== width)
    refuse('LanguageModel.logits', 'hidden', `of shape [R, D] = [R, ${width}]`, hidden.shape);
}
