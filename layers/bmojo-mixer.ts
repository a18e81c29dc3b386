// The B'MOJO mixer and the special cases that are configurations of it (arXiv 2407.06324).

import type {Tensor, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import type {SettingWords} from '../config/schema.js';
import {SettingError, said} from '../config/schema.js';
import type {LeavingTokens} from './attention-memory.js';
import {AttentionMemory, attentionStepKind} from './attention-memory.js';
import type {AttentionState} from './attention-state.js';
import {attentionStateShapes, withRoom} from './attention-state.js';
import type {CallArguments} from './dropout.js';
import {isTraining} from './dropout.js';
import type {FadingState} from './fading-memory.js';
import {fadingSizes} from './fading-memory.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {memoryGateWeights} from './memory-gate.js';
import type {MixerSettings} from './mixer-schema.js';
import {mixerSchema} from './mixer-schema.js';
import {historyBehind, innovationBehind} from './predictor.js';
import {attentionSizes, attentionWeights, rotaryOf} from './projections.js';
import type {PartialMixerSettings} from './settings.generated.js';
import type {Ssm} from './ssm.js';
import {ssmOf, ssmStateShapes, ssmWeights} from './ssm.js';
import {ssmOutputWeights, withSsmOutput} from './ssm-output.js';
import type {StateShapes} from './state.js';
import type {RotarySpec, StepContext} from './step-context.js';
import {START} from './step-context.js';
import type {RoomChange, StepKind, StepResult} from './streaming.js';
import {STEADY, StreamingLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';

/**
 * What {@link BMojoMixer} takes: keys of tf layers, and any settings of {@link mixerSchema}, where defaults
 * stand.
 */
export interface BMojoMixerArgs extends KerasConfig, PartialMixerSettings {}

/** What the mixer computed on the way to its output. */
export type MixerAnalysis = {
  /** Output [B, L, D]. */
  readonly y: Tensor3D;
  /** Fading tokens [B, L, D]; absent without an SSM. */
  readonly fading?: Tensor3D;
  /** Innovation of each token [B, L]; absent without an SSM. */
  readonly innovation?: Tensor2D;
  /** Positions stored for each chunk [B, C, me], -1 where a slot is empty; absent without eidetic slots. */
  readonly stored?: Tensor3D;
  /** Rows retrieved from storage by each query and key head, [B, L, G, K], -1 where there were fewer; absent where there were none. */
  readonly retrieved?: Tensor4D;
  /** Share of attention on them, [B, L, H]; as `retrieved`. */
  readonly storageShare?: Tensor3D;
  /**
   * Shares of attention on in-context, fading and eidetic memory [B, L, H, 3], with memory in storage on that too
   * [B, L, H, 4]; from `analyze`, absent without attention.
   */
  readonly shares?: Tensor4D;
  /** Queries [B, L, H, Dh], their keys and those of fading tokens [B, L, G, Dh]; from `analyze` where they are asked for. */
  readonly queries?: Tensor4D;
  readonly keys?: Tensor4D;
  readonly fadingKeys?: Tensor4D;
  /** The same as they are matched in storage. */
  readonly storageQueries?: Tensor4D;
  readonly storageKeys?: Tensor4D;
};

/** What an analysis in steps carries from one to the next. */
export type MixerAnalysisState = {
  readonly memory: MixerState;
  /** Last fading tokens, [B, up to k, D]: of a mixer that needs no innovation they are in no memory. With an SSM. */
  readonly history?: Tensor3D;
};

/** What the mixer computed of the next tokens, as of whole sequences, and what their successors are analysed with. */
export type MixerStepAnalysis = Pick<MixerAnalysis, 'y' | 'innovation' | 'stored' | 'shares'> & {
  readonly state: MixerAnalysisState;
};

/** What `analyze` is asked beside the tokens. */
export interface AnalyzeOptions {
  /** Positions stored for each chunk, int32 [B, C, me], -1 for an empty slot, in the place of those of largest innovation. */
  readonly stored?: Tensor3D;
  /** Whether queries and keys are given too. Default false. */
  readonly rows?: boolean;
}

/** Memory of a mixer: of those that it has, after at least one token. */
export type MixerState = {
  readonly fading?: FadingState;
  readonly attention?: AttentionState;
};

/**
 * A sequence mixer [B, L, D] -> [B, L, D] with fading memory (an SSM), short-term eidetic memory (window attention)
 * and long-term eidetic memory (tokens that the SSM could not predict), attended in one softmax.
 *
 * Settings and defaults: `mixerSchema`. Without `attention` it is Mamba, without `ssm` a (sliding-window) Transformer.
 * Errors: SettingError for settings that do not fit each other or D. Source: arXiv 2407.06324, Algorithm 1.
 */
export class BMojoMixer extends StreamingLayer<MixerState> {
  static className = 'BMojoMixer';
  readonly settings: MixerSettings;
  private fadingMemory?: Ssm;
  private attentionMemory?: AttentionMemory;

  constructor(args: BMojoMixerArgs = {}) {
    const {keras, settings} = splitConfig('BMojoMixer', mixerSchema, args);
    super(keras);
    this.settings = settings;
    checkConsistency(settings);
  }

  weightSpecs(width: number): WeightSpec[] {
    const {settings} = this;
    return [
      ...(settings.ssm ? ssmWeights(settings, width) : []),
      ...(settings.attention ? [...attentionWeights(settings, width), ...memoryGateWeights(settings)] : []),
      ...ssmOutputWeights(settings, fadingSizes(settings, width)),
    ];
  }

  override build(inputShape: Shape | Shape[]): void {
    super.build(inputShape);
    const {settings} = this;
    const width = this.widthOf(inputShape);
    const weights = this.weightsByName();
    if (settings.ssm) this.fadingMemory = ssmOf(settings, width, weights);
    if (settings.attention)
      this.attentionMemory = new AttentionMemory(settings, attentionSizes(settings, width), weights);
  }

  override call(inputs: Tensor | Tensor[], given: CallArguments = {}): Tensor {
    const x = singleInput<Tensor3D>('BMojoMixer', inputs, 3);
    const {dropoutSeed} = given;
    const context = isTraining(given) ? {...START, training: {dropoutSeed}} : START;
    return tidy(() => this.mix(x, {}, context, false).y);
  }

  /** What `call` computes for x [B, L, D], with the view inside: fading tokens, innovation, what is stored, what is attended. */
  analyze(x: Tensor3D, {stored: given, rows = false}: AnalyzeOptions = {}): MixerAnalysis {
    this.buildFor(x);
    return tidy(() => {
      const {state: _, ...analysis} = this.look(x, this.initialAnalysis(), START, false, given);
      const matched = rows ? this.attentionMemory?.matched(x, analysis.fading) : undefined;
      return {...analysis, ...matched};
    });
  }

  /** What `analyzeStep` has before the first token. */
  initialAnalysis(): MixerAnalysisState {
    return {memory: {}};
  }

  /**
   * What `step` computes of the next tokens x [B, L, D], with the view inside: what `analyze` gives of whole sequences, but that
   * `stored` names rows of the step, whose positions `StoredPositions` follows.
   */
  analyzeStep(x: Tensor3D, past: MixerAnalysisState, context: StepContext): MixerStepAnalysis {
    this.buildFor(x);
    return tidy(() => {
      const {state: memory, fading, y, innovation, stored, shares} = this.look(x, past, context, true);
      const history = fading && historyBehind(past.history, fading, this.settings.innovationSpan);
      return {state: {memory, history}, y, innovation, stored, shares};
    });
  }

  initialState(_batch: number): MixerState {
    return {};
  }

  /** Errors: also ArgumentError for a memory of another position than the context's. */
  step(x: Tensor3D, state: MixerState, context: StepContext): StepResult<MixerState> {
    this.buildFor(x);
    return tidy(() => {
      const {y, state: next} = this.mix(x, state, context, true);
      return {y, state: next};
    });
  }

  stateShapes(width: number, length: number, room?: number): StateShapes<MixerState> {
    const {settings} = this;
    if (length === 0) return {};
    return {
      ...(settings.ssm ? {fading: ssmStateShapes(settings, width)} : {}),
      ...(settings.attention
        ? {attention: attentionStateShapes(settings, attentionSizes(settings, width), length, room)}
        : {}),
    };
  }

  override withRoom(state: MixerState, position: number, room: RoomChange): MixerState {
    const {attention} = state;
    return attention === undefined
      ? state
      : {...state, attention: withRoom(this.settings, attention, position, room)};
  }

  /** What the queries of x [B, L, D] are compared by with stored keys, [B, L, G, Dh]; with memory in storage. */
  storageQueries(x: Tensor3D, context: StepContext): Tensor4D {
    this.buildFor(x);
    return tidy(() => this.withAttention().searched(x, context));
  }

  /**
   * Tokens `begin` to `end` - 1 of the recent ones in a memory behind `position` tokens, for a store outside the model; with
   * memory in storage. Of a whole chunk those enter that its settings choose, of a part of one all.
   */
  leaving({attention}: MixerState, position: number, begin: number, end: number): LeavingTokens {
    if (attention === undefined) throw new Error('BMojoMixer.leaving: there is no memory yet');
    return tidy(() => this.withAttention().leaving(attention, position, begin, end));
  }

  /** Key heads G and head width Dh of what is stored, for inputs of width D. */
  storedShape(width: number): {readonly groups: number; readonly width: number} {
    const {groups, headWidth} = attentionSizes(this.settings, width);
    return {groups, width: headWidth};
  }

  private withAttention(): AttentionMemory {
    if (this.attentionMemory === undefined)
      throw new Error('BMojoMixer: without attention there is no storage');
    return this.attentionMemory;
  }

  override stepKind(position: number, length: number): StepKind {
    if (!this.settings.attention) return STEADY;
    return attentionStepKind(this.settings, position, length);
  }

  override rotarySpecs(width: number): RotarySpec[] {
    const spec = this.settings.attention ? rotaryOf(this.settings, width) : undefined;
    return spec === undefined ? [] : [spec];
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  private buildFor(x: Tensor3D): void {
    if (!this.built) this.apply(x);
  }

  /** `mix`, and what is seen of it by looking once more. */
  private look(
    x: Tensor3D,
    {memory: past, history}: MixerAnalysisState,
    context: StepContext,
    keepState: boolean,
    given?: Tensor3D,
  ): MixerAnalysis & {state: MixerState} {
    const {fading, ...rest} = this.mix(x, past, context, keepState, given);
    const innovation =
      rest.innovation ?? (fading && innovationBehind(history, fading, this.settings.innovationSpan));
    const shares = this.attentionMemory?.shares(x, fading, past.attention, context, rest);
    return {...rest, fading, innovation, shares};
  }

  private mix(
    x: Tensor3D,
    past: MixerState,
    context: StepContext,
    keepState: boolean,
    stored?: Tensor3D,
  ): MixerAnalysis & {state: MixerState} {
    const faded = this.fadingMemory?.run(x, past.fading);
    const fading = faded?.y;
    if (this.attentionMemory === undefined)
      return {y: fading as Tensor3D, fading, state: {fading: faded?.state}};
    const {
      state,
      y: attended,
      ...result
    } = this.attentionMemory.run(x, fading, past.attention, context, keepState, stored);
    const y = faded ? withSsmOutput(this.settings, attended, faded, this.weightsByName()) : attended;
    return {...result, y, fading, state: {fading: faded?.state, attention: state}};
  }
}

function checkConsistency(settings: MixerSettings): void {
  const {attention, ssm, fading, ssmOutput, eideticSlots, window, heads, kvHeads} = settings;
  const {ssmKind, ssmNormEpsilon, deltaRank, convWidth, memoryGate, storage, eideticRule, positions} =
    settings;
  const fail = (words: SettingWords): never => {
    throw new SettingError('BMojoMixer', words);
  };
  if (!attention && !ssm)
    fail(said`{attention} and {ssm} must not both be off, there would be no memory at all`);
  if (!attention && fading !== 'none')
    fail(said`{fading} must be 'none' without {attention}, got '${fading}'`);
  if (!attention && eideticSlots > 0)
    fail(said`{eideticSlots} must be 0 without {attention}, got ${eideticSlots}`);
  if (attention && !ssm && fading !== 'none')
    fail(said`{fading} must be 'none' without {ssm}, got '${fading}'`);
  if (!ssm && eideticSlots > 0)
    fail(said`{eideticSlots} must be 0 without {ssm} (nothing predicts the tokens), got ${eideticSlots}`);
  if (eideticRule === 'chance' && positions === 'none')
    fail(said`{eideticRule} must not be 'chance' when {positions} is 'none' (it goes by rotary positions)`);
  if (ssmOutput !== 'none' && !(attention && ssm))
    fail(said`{ssmOutput} must be 'none' where {attention} and {ssm} are not both on, got '${ssmOutput}'`);
  if (attention && ssm && fading === 'none' && (ssmOutput === 'none' || ssmOutput === 'projected')) {
    fail(
      said`{fading} must be 'sliding' or 'chunk' when {attention} and {ssm} are on and {ssmOutput} is '${ssmOutput}', else fading tokens reach no output, got 'none'`,
    );
  }
  if (ssmKind === 'mamba2' && ssmNormEpsilon > 0)
    fail(
      said`{ssmNormEpsilon} must be 0 with {ssmKind} 'mamba2' (the norm is Falcon Mamba's), got ${ssmNormEpsilon}`,
    );
  if (ssmKind === 'mamba2' && deltaRank > 0)
    fail(said`{deltaRank} must be 0 with {ssmKind} 'mamba2' (a head has one step size), got ${deltaRank}`);
  if (ssmKind === 'mamba2' && convWidth < 2)
    fail(said`{convWidth} must be at least 2 with {ssmKind} 'mamba2', got ${convWidth}`);
  if (attention && window === 0 && (fading !== 'none' || eideticSlots > 0)) {
    fail(said`{window} must be >= 1 with fading or eidetic memory (0 attends over all of the past), got 0`);
  }
  if (memoryGate && (!attention || (fading === 'none' && eideticSlots === 0 && storage === 0)))
    fail(
      said`{memoryGate} must be false where there is no memory behind the gate: fading tokens, eidetic slots or {storage} beside {attention}`,
    );
  checkStorage(settings, fail);
  if (kvHeads !== 0 && heads % kvHeads !== 0)
    fail(said`{kvHeads} must divide {heads} = ${heads}, got ${kvHeads}`);
}

function checkStorage(
  {attention, ssm, window, positions, storage, storagePositions, storageShare, storageEntry}: MixerSettings,
  fail: (words: SettingWords) => never,
): void {
  if (storage === 0) return;
  if (!attention) fail(said`{storage} must be 0 without {attention}, got ${storage}`);
  if (window === 0)
    fail(said`{window} must be >= 1 with {storage} (0 attends over all of the past already), got 0`);
  if (positions === 'none' && storagePositions === 'true')
    fail(said`{storagePositions} must be 'clamped' or 'none' when {positions} is 'none', got 'true'`);
  if (storageShare === 1) return;
  if (storageEntry === 'innovation' && !ssm)
    fail(
      said`{storageEntry} must be 'spaced' without {ssm} (nothing predicts the tokens) unless {storageShare} is 1, got 'innovation'`,
    );
  const nth = Math.round(1 / storageShare);
  if (storageEntry === 'spaced' && (Math.abs(nth * storageShare - 1) > 1e-3 || window % nth !== 0))
    fail(
      said`{storageShare} must be 1 / n for an n that divides {window} = ${window} when {storageEntry} is 'spaced', got ${storageShare}`,
    );
}

serialization.registerClass(BMojoMixer);
