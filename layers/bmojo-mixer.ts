// The B'MOJO mixer and the special cases that are configurations of it (arXiv 2407.06324).

import type {Tensor, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {SettingError} from '../config/schema.js';
import {innovationScores} from '../custom-ops/index.js';
import type {MixerSettings} from './attention-memory.js';
import {AttentionMemory} from './attention-memory.js';
import type {AddWeight} from './fading-memory.js';
import {FadingMemory} from './fading-memory.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {mixerSchema} from './mixer-schema.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export type BMojoMixerArgs = LayerArgs<typeof mixerSchema>;

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
  /** Shares of attention on in-context, fading and eidetic memory [B, L, H, 3]; from `analyze`, absent without attention. */
  readonly shares?: Tensor4D;
};

/**
 * A sequence mixer [B, L, D] -> [B, L, D] with fading memory (an SSM), short-term eidetic memory (window attention)
 * and long-term eidetic memory (tokens that the SSM could not predict), attended in one softmax.
 *
 * Settings and defaults: `mixerSchema`. Without `attention` it is Mamba, without `ssm` a (sliding-window) Transformer.
 * Errors: SettingError for settings that do not fit each other or D. Source: arXiv 2407.06324, Algorithm 1.
 */
export class BMojoMixer extends StreamingLayer {
  static className = 'BMojoMixer';
  readonly settings: MixerSettings;
  private fadingMemory?: FadingMemory;
  private attentionMemory?: AttentionMemory;

  constructor(args: BMojoMixerArgs = {}) {
    const {keras, settings} = splitConfig('BMojoMixer', mixerSchema, args);
    super(keras);
    this.settings = settings;
    checkConsistency(settings);
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = lastSize('BMojoMixer', inputShape);
    const {heads, stateSize, expand, convWidth, deltaRank, seed} = this.settings;
    const add: AddWeight = (name, shape, initializer) => this.addWeight(name, shape, 'float32', initializer);
    if (this.settings.ssm) {
      const rank = deltaRank === 0 ? Math.ceil(width / 16) : deltaRank;
      const sizes = {width, inner: expand * width, stateSize, convWidth, deltaRank: rank};
      this.fadingMemory = new FadingMemory(sizes, add, seed);
    }
    if (this.settings.attention) {
      const {headWidth, positions} = this.settings;
      if (headWidth === 0 && width % heads !== 0) {
        throw new SettingError(
          `BMojoMixer: heads must divide D = ${width} unless headWidth is set, got ${heads}`,
        );
      }
      const head = headWidth === 0 ? width / heads : headWidth;
      if (positions === 'rotary' && head % 2 !== 0) {
        throw new SettingError(`BMojoMixer: rotary positions need an even head width, got ${head}`);
      }
      this.attentionMemory = new AttentionMemory(this.settings, width, add);
    }
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('BMojoMixer', inputs, 3);
    return tidy(() => this.mix(x, {position: 0, tensors: {}}, false).y);
  }

  /** What `call` computes for x [B, L, D], with the view inside: fading tokens, innovation, what is stored, what is attended. */
  analyze(x: Tensor3D): MixerAnalysis {
    this.buildFor(x);
    return tidy(() => {
      const {y, fading, stored, ...rest} = this.mix(x, {position: 0, tensors: {}}, false);
      const innovation =
        rest.innovation ?? (fading && innovationScores(fading, {span: this.settings.innovationSpan}));
      return {y, fading, innovation, stored, shares: this.attentionMemory?.shares(x, fading, stored)};
    });
  }

  initialState(_batch: number): LayerState {
    return {position: 0, tensors: {}};
  }

  step(x: Tensor3D, state: LayerState): StepResult {
    this.buildFor(x);
    return tidy(() => {
      const {y, tensors} = this.mix(x, state, true);
      return {y, state: {position: state.position + x.shape[1], tensors}};
    });
  }

  stateSize(length = Number.POSITIVE_INFINITY): number {
    if (!this.built)
      throw new Error('BMojoMixer: stateSize needs a built layer; call it on an input or build it first');
    return (this.fadingMemory?.stateBytes() ?? 0) + (this.attentionMemory?.memoryBytes(length) ?? 0);
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  private buildFor(x: Tensor3D): void {
    if (!this.built) this.apply(x);
  }

  private mix(
    x: Tensor3D,
    past: LayerState,
    keepState: boolean,
  ): MixerAnalysis & {tensors: Readonly<Record<string, Tensor>>} {
    const tensors: Record<string, Tensor> = {};
    let fading: Tensor3D | undefined;
    if (this.fadingMemory !== undefined) {
      const {conv, ssm} = past.tensors as {conv?: Tensor3D; ssm?: Tensor3D};
      const run = this.fadingMemory.run(x, conv && ssm && {conv, ssm});
      fading = run.y;
      tensors.conv = run.state.conv;
      tensors.ssm = run.state.ssm;
    }
    if (this.attentionMemory === undefined) return {y: fading as Tensor3D, fading, tensors};
    const {memory, ...result} = this.attentionMemory.run(x, fading, past, keepState);
    return {...result, fading, tensors: {...tensors, ...memory}};
  }
}

function checkConsistency(settings: MixerSettings): void {
  const {attention, ssm, fading, eideticSlots, window, heads, kvHeads} = settings;
  const fail = (message: string): never => {
    throw new SettingError(`BMojoMixer: ${message}`);
  };
  if (!attention && !ssm) fail('attention and ssm must not both be off, there would be no memory at all');
  if (!attention && fading !== 'none') fail(`fading must be 'none' without attention, got '${fading}'`);
  if (!attention && eideticSlots > 0) fail(`eideticSlots must be 0 without attention, got ${eideticSlots}`);
  if (attention && !ssm && fading !== 'none') fail(`fading must be 'none' without ssm, got '${fading}'`);
  if (!ssm && eideticSlots > 0)
    fail(`eideticSlots must be 0 without ssm (nothing predicts the tokens), got ${eideticSlots}`);
  if (attention && ssm && fading === 'none') {
    fail(
      "fading must be 'sliding' or 'chunk' when attention and ssm are on, else the SSM reaches no output, got 'none'",
    );
  }
  if (attention && window === 0 && (fading !== 'none' || eideticSlots > 0)) {
    fail('window must be >= 1 with fading or eidetic memory (0 attends over all of the past), got 0');
  }
  if (kvHeads !== 0 && heads % kvHeads !== 0) fail(`kvHeads must divide heads = ${heads}, got ${kvHeads}`);
}

serialization.registerClass(BMojoMixer);
