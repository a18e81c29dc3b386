// The linear maps of eidetic memory: queries, keys and values of tokens at their positions, and the output.

import type {Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import {SettingError} from '../config/schema.js';
import {linear, rotaryEmbeddingWithTable} from '../custom-ops/index.js';
import {streamSeed, symmetric} from './initializers.js';
import type {MixerSettings} from './mixer-schema.js';
import type {RotarySpec} from './step-context.js';
import type {ReadWeight, WeightSpec} from './weights.js';

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
      `BMojoMixer: heads must divide D = ${width} unless headWidth is set, got ${heads}`,
    );
  const head = headWidth === 0 ? width / heads : headWidth;
  if (positions === 'rotary' && head % 2 !== 0)
    throw new SettingError(`BMojoMixer: rotary positions need an even head width, got ${head}`);
  return {width, heads, groups: kvHeads === 0 ? heads : kvHeads, headWidth: head};
}

/** Maps start uniform within fan_in^-1/2. Errors: as `attentionSizes`. */
export function attentionWeights(settings: MixerSettings, width: number): WeightSpec[] {
  const {heads, groups, headWidth} = attentionSizes(settings, width);
  const spec = (name: string, rows: number, columns: number): WeightSpec => ({
    name,
    shape: [rows, columns],
    initializer: symmetric(rows ** -0.5, streamSeed(settings.seed, name)),
  });
  const names = ['k_proj', 'v_proj'];
  if (settings.fading !== 'none' && !settings.tieFading) names.push('k_proj_fading', 'v_proj_fading');
  return [
    spec('q_proj', width, heads * headWidth),
    ...names.map(name => spec(name, width, groups * headWidth)),
    spec('o_proj', heads * headWidth, width),
  ];
}

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
  /** `weight` gives the built weights of `attentionWeights` by name. */
  constructor(
    private readonly settings: MixerSettings,
    private readonly sizes: AttentionSizes,
    private readonly weight: ReadWeight,
  ) {}

  /** Queries [B, L, H, Dh] of h [B, L, D], before they are turned to their positions. */
  queries(h: Tensor3D): Tensor4D {
    return this.heads(h, 'q_proj', this.sizes.heads);
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
    return linear(reshape(attended, [batch, length, heads * headWidth]), this.weight<Tensor2D>('o_proj'));
  }

  private keysAndValues(x: Tensor3D, keys: string, values: string): Rows {
    const {groups} = this.sizes;
    return {keys: this.heads(x, keys, groups), values: this.heads(x, values, groups)};
  }

  private heads(x: Tensor3D, name: string, heads: number): Tensor4D {
    const [batch, length] = x.shape;
    return reshape(linear(x, this.weight<Tensor2D>(name)), [batch, length, heads, this.sizes.headWidth]);
  }
}

/** Heads [B, L, heads, Dh] turned to their positions by the rotary table [L, Dh] of these; as they are without one. */
export function turned(x: Tensor4D, cosSin: Tensor2D | undefined): Tensor4D {
  return cosSin === undefined ? x : rotaryEmbeddingWithTable(x, cosSin);
}
