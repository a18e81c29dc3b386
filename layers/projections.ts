// The linear maps of eidetic memory: queries, keys and values of tokens at their positions, and the output.

import type {Rank, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import {SettingError, said} from '../config/schema.js';
import {rmsNorm, rotaryEmbeddingWithTable} from '../custom-ops/index.js';
import {multiply, multiplyPassing} from './half-matrix.js';
import {constant, streamSeed, symmetric} from './initializers.js';
import type {LinearMap} from './linear-in-parts.js';
import type {MixerSettings} from './mixer-schema.js';
import type {RotarySpec} from './step-context.js';
import type {LayerWeights, WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

export interface AttentionSizes {
  /** D. */
  readonly width: number;
  /** H. */
  readonly heads: number;
  /** G. */
  readonly groups: number;
  /** Dh. */
  readonly headWidth: number;
}

/** Sizes that follow from the settings of a mixer on inputs of width D. Errors: SettingError where they do not fit D. */
export function attentionSizes(
  {heads, kvHeads, headWidth, positions}: MixerSettings,
  width: number,
): AttentionSizes {
  if (headWidth === 0 && width % heads !== 0)
    throw new SettingError(
      'BMojoMixer',
      said`{heads} must divide D = ${width} unless {headWidth} is set, got ${heads}`,
    );
  const head = headWidth === 0 ? width / heads : headWidth;
  if (positions === 'rotary' && head % 2 !== 0)
    throw new SettingError('BMojoMixer', said`rotary positions need an even head width, got ${head}`);
  return {width, heads, groups: kvHeads === 0 ? heads : kvHeads, headWidth: head};
}

/** Maps start uniform within fan_in^-1/2. Errors: as `attentionSizes`. */
export function attentionWeights(settings: MixerSettings, width: number): WeightSpec[] {
  const {heads, groups, headWidth} = attentionSizes(settings, width);
  const uniform = (name: string, shape: number[], fanIn: number): WeightSpec => ({
    name,
    shape,
    initializer: symmetric(fanIn ** -0.5, streamSeed(settings.seed, name)),
  });
  const map = (name: string, rows: number, columns: number): WeightSpec[] => [
    asMatrix(uniform(name, [rows, columns], rows)),
    ...(hasBias(settings, name) ? [uniform(biasOf(name), [columns], rows)] : []),
  ];
  const norms = settings.qkNormEpsilon === 0 ? [] : ['q_norm', 'k_norm'];
  const names = ['k_proj', 'v_proj'];
  if (settings.fading !== 'none' && !settings.tieFading) names.push('k_proj_fading', 'v_proj_fading');
  return [
    ...map('q_proj', width, heads * headWidth),
    ...names.flatMap(name => map(name, width, groups * headWidth)),
    ...map('o_proj', heads * headWidth, width),
    ...norms.map(name => ({name, shape: [headWidth], initializer: constant(1)})),
  ];
}

function hasBias({attentionBias}: MixerSettings, name: string): boolean {
  return attentionBias === 'all' || (attentionBias === 'qkv' && name !== 'o_proj');
}

const biasOf = (name: string): string => name.replace('proj', 'bias');

/** What the heads turn by, where positions are rotary. */
export function rotaryOf(settings: MixerSettings, width: number): RotarySpec | undefined {
  if (settings.positions !== 'rotary') return undefined;
  return {headWidth: attentionSizes(settings, width).headWidth, base: settings.rotaryBase};
}

/** Keys and values of some tokens, [B, rows, G, Dh] each. */
export interface Rows {
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
}

export class Projections {
  /** `weights` are the built weights of `attentionWeights`. */
  constructor(
    private readonly settings: MixerSettings,
    private readonly sizes: AttentionSizes,
    private readonly weights: LayerWeights,
  ) {}

  /** Queries [B, L, H, Dh] of h [B, L, D], before they are turned to their positions. */
  queries(h: Tensor3D): Tensor4D {
    return this.normalised(this.heads(this.map(multiply, h, 'q_proj'), this.sizes.heads), 'q_norm');
  }

  /** Queries, keys and values of h [B, L, D], which is read as one: its gradients are added within the products. */
  queriesAndRows(h: Tensor3D): Rows & {queries: Tensor4D} {
    const {y, passed} = this.map(multiplyPassing, h, 'q_proj');
    const queries = this.normalised(this.heads(y, this.sizes.heads), 'q_norm');
    return {queries, ...this.rows(passed)};
  }

  /** Keys and values of h [B, L, D], keys before they are turned to their positions. */
  rows(h: Tensor3D): Rows {
    return this.keysAndValues(h, 'k_proj', 'v_proj');
  }

  /** Those of fading tokens [B, L, D]. */
  fadingRows(fading: Tensor3D): Rows {
    if (this.settings.tieFading) return this.rows(fading);
    return this.keysAndValues(fading, 'k_proj_fading', 'v_proj_fading');
  }

  /** [B, L, D] of what the heads attended to, [B, L, H, Dh]. */
  output(attended: Tensor4D): Tensor3D {
    const [batch, length, heads, headWidth] = attended.shape;
    return this.map(multiply, reshape(attended, [batch, length, heads * headWidth]), 'o_proj');
  }

  private keysAndValues(x: Tensor3D, keys: string, values: string): Rows {
    const {groups} = this.sizes;
    const {y, passed} = this.map(multiplyPassing, x, keys);
    return {
      keys: this.normalised(this.heads(y, groups), 'k_norm'),
      values: this.heads(this.map(multiply, passed, values), groups),
    };
  }

  /** [B, L, heads Dh] as [B, L, heads, Dh]. */
  private heads(x: Tensor3D, heads: number): Tensor4D {
    const [batch, length] = x.shape;
    return reshape(x, [batch, length, heads, this.sizes.headWidth]);
  }

  private map<T>(apply: LinearMap<T>, x: Tensor3D, name: string): T {
    const bias = hasBias(this.settings, name) ? this.weights.read<Tensor1D>(biasOf(name)) : undefined;
    return apply(x, this.weights.matrix(name), bias, {precision: this.settings.precision});
  }

  /** The rows of each head by themselves. */
  private normalised(x: Tensor4D, gain: string): Tensor4D {
    const {qkNormEpsilon: epsilon} = this.settings;
    if (epsilon === 0) return x;
    const [batch, length, heads, headWidth] = x.shape;
    const rows = reshape<Rank.R3>(x, [batch, length * heads, headWidth]);
    return reshape(rmsNorm(rows, this.weights.read<Tensor1D>(gain), {epsilon}), [
      batch,
      length,
      heads,
      headWidth,
    ]);
  }
}

/** Heads [B, L, heads, Dh] turned to their positions by the rotary table [L, Dh] of these; as they are without one. */
export function turned(x: Tensor4D, cosSin: Tensor2D | undefined): Tensor4D {
  return cosSin === undefined ? x : rotaryEmbeddingWithTable(x, cosSin);
}
