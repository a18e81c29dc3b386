// The Mamba-2 mixer (Dao and Gu 2024, arXiv 2405.21060) as a mixer's SSM, on weights named ssm.*, whole or in chunks.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {exp, neg, reshape, split} from '@tensorflow/tfjs-core';
import {SettingError, said} from '../config/schema.js';
import {causalConv1d, rmsNorm, ssdScan, swiglu} from '../custom-ops/index.js';
import type {Precision} from '../custom-ops/precision.js';
import type {FadingRun, FadingState} from './fading-memory.js';
import type {Matrix} from './half-matrix.js';
import {multiply} from './half-matrix.js';
import type {ElementInitializer} from './initializers.js';
import {constant, inverseSoftplusOfStep, logarithmsOfRates, streamSeed, symmetric} from './initializers.js';
import {linearInParts} from './linear-in-parts.js';
import type {MixerSettings} from './mixer-schema.js';
import type {StateShapes} from './state.js';
import type {LayerWeights, WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

/** Channels of a head where the settings leave them open, or fewer where these do not divide the inner width. */
const HEAD_WIDTH = 64;

export interface Mamba2Sizes {
  /** D. */
  readonly width: number;
  /** E = H P. */
  readonly inner: number;
  readonly heads: number;
  /** P. */
  readonly headWidth: number;
  /** Groups of heads that share B and C. */
  readonly groups: number;
  /** N. */
  readonly stateSize: number;
  /** K of the causal convolution. */
  readonly convWidth: number;
  readonly convBias: boolean;
  readonly projectionBias: boolean;
  /** Of the norm of gated outputs; 0 where there is none. */
  readonly gatedNormEpsilon: number;
  readonly precision: Precision;
}

function greatestDivisor(of: number, most: number): number {
  let divisor = Math.min(of, most);
  while (of % divisor !== 0) divisor--;
  return divisor;
}

/** Sizes that follow from the settings of a mixer on inputs of width D. Errors: SettingError for heads that do not fit. */
export function mamba2Sizes(settings: MixerSettings, width: number): Mamba2Sizes {
  const {expand, innerWidth, ssmHeadWidth, ssmGroups: groups} = settings;
  const {stateSize, convWidth, convBias, projectionBias, gatedNormEpsilon, precision} = settings;
  const inner = innerWidth === 0 ? expand * width : innerWidth;
  const headWidth = ssmHeadWidth === 0 ? greatestDivisor(inner, HEAD_WIDTH) : ssmHeadWidth;
  if (inner % headWidth !== 0)
    throw new SettingError(
      'BMojoMixer',
      said`{ssmHeadWidth} must divide the inner width E = ${inner}, got ${headWidth}`,
    );
  const heads = inner / headWidth;
  if (heads % groups !== 0)
    throw new SettingError(
      'BMojoMixer',
      said`{ssmGroups} must divide the SSM's heads, E / P = ${heads}, got ${groups}`,
    );
  return {
    width,
    inner,
    heads,
    headWidth,
    groups,
    stateSize,
    convWidth,
    convBias,
    projectionBias,
    gatedNormEpsilon,
    precision,
  };
}

/** Channels that pass the convolution: inputs, and B and C of every group. */
const convolved = ({inner, groups, stateSize}: Mamba2Sizes): number => inner + 2 * groups * stateSize;

/** Linear maps start uniform within fan_in^-1/2, decay rates uniform in [1, 16], steps as in Mamba-1. */
export function mamba2Weights(sizes: Mamba2Sizes, seed: number): WeightSpec[] {
  const {width, inner, heads, convWidth, convBias, projectionBias, gatedNormEpsilon} = sizes;
  const spec = (name: string, shape: number[], initializer: ElementInitializer): WeightSpec => ({
    name: `ssm.${name}`,
    shape,
    initializer,
  });
  const uniform = (name: string, shape: number[], fanIn: number): WeightSpec =>
    spec(name, shape, symmetric(fanIn ** -0.5, streamSeed(seed, name)));
  const projected = inner + convolved(sizes) + heads;
  return [
    asMatrix(uniform('in_proj', [width, projected], width)),
    ...(projectionBias ? [uniform('in_bias', [projected], width)] : []),
    uniform('conv_weight', [convWidth, convolved(sizes)], convWidth),
    ...(convBias ? [uniform('conv_bias', [convolved(sizes)], convWidth)] : []),
    spec('dt_bias', [heads], inverseSoftplusOfStep(streamSeed(seed, 'dt_bias'))),
    spec('A_log', [heads], logarithmsOfRates(streamSeed(seed, 'A_log'))),
    spec('D', [heads], constant(1)),
    ...(gatedNormEpsilon > 0 ? [spec('norm', [inner], constant(1))] : []),
    asMatrix(uniform('out_proj', [inner, width], inner)),
    ...(projectionBias ? [uniform('out_bias', [width], inner)] : []),
  ];
}

/** The state [H, P, N] of all heads is kept as [E, N], as that of Mamba-1. */
export function mamba2StateShapes(sizes: Mamba2Sizes): StateShapes<FadingState> {
  return {conv: [sizes.convWidth - 1, convolved(sizes)], ssm: [sizes.inner, sizes.stateSize]};
}

export class Mamba2Memory {
  /** `weights` are the built weights of `mamba2Weights`. */
  constructor(
    readonly sizes: Mamba2Sizes,
    private readonly weights: LayerWeights,
  ) {}

  /** Fading tokens y [B, L, D] for inputs h [B, L, D], and the memory after them. */
  run(h: Tensor3D, past?: FadingState): FadingRun {
    const {inner, heads, headWidth: P, groups: G, stateSize: N} = this.sizes;
    const {convBias, projectionBias, precision} = this.sizes;
    const [batch, length] = h.shape;
    const [z, mixed, delta] = this.projections(h);
    const conv = causalConv1d(
      {
        x: mixed,
        weight: this.read<Tensor2D>('conv_weight'),
        bias: convBias ? this.read<Tensor1D>('conv_bias') : undefined,
        initialState: past?.conv,
      },
      {activation: 'silu'},
    );
    const [x, B, C] = split(conv.y, [inner, G * N, G * N], 2);
    const scan = ssdScan(
      {
        x: reshape(x, [batch, length, heads, P]),
        delta,
        A: neg(exp(this.read<Tensor1D>('A_log'))),
        B: reshape(B, [batch, length, G, N]),
        C: reshape(C, [batch, length, G, N]),
        D: this.read<Tensor1D>('D'),
        deltaBias: this.read<Tensor1D>('dt_bias'),
        initialState: past && reshape(past.ssm, [batch, heads, P, N]),
      },
      {precision},
    );
    const scanned = this.normalised(swiglu(z, reshape(scan.y, [batch, length, inner])));
    const outBias = projectionBias ? this.read<Tensor1D>('out_bias') : undefined;
    const y = multiply(scanned, this.matrix('out_proj'), outBias, {precision});
    return {y, scanned, state: {conv: conv.finalState, ssm: reshape(scan.finalState, [batch, inner, N])}};
  }

  /** The gate [B, L, E], what is convolved, and step sizes [B, L, H]. */
  private projections(h: Tensor3D): Tensor3D[] {
    const {inner, heads, projectionBias, precision} = this.sizes;
    const bias = projectionBias ? this.read<Tensor1D>('in_bias') : undefined;
    const widths = [inner, convolved(this.sizes), heads];
    return linearInParts(h, this.matrix('in_proj'), bias, widths, precision);
  }

  private normalised(gated: Tensor3D): Tensor3D {
    const {gatedNormEpsilon: epsilon} = this.sizes;
    return epsilon === 0 ? gated : rmsNorm(gated, this.read<Tensor1D>('norm'), {epsilon});
  }

  private read<T extends Tensor>(name: string): T {
    return this.weights.read<T>(`ssm.${name}`);
  }

  private matrix(name: string): Matrix {
    return this.weights.matrix(`ssm.${name}`);
  }
}
