// Fading memory: the Mamba-1 mixer (Gu and Dao 2023, arXiv 2312.00752) on weights named ssm.*, whole or in chunks.

import type {Rank, Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {concat, exp, fill, neg, split} from '@tensorflow/tfjs-core';
import {causalConv1d, rmsNorm, selectiveScan} from '../custom-ops/index.js';
import type {Precision} from '../custom-ops/precision.js';
import type {Matrix} from './half-matrix.js';
import {multiply, multiplyPassing} from './half-matrix.js';
import type {ElementInitializer} from './initializers.js';
import {constant, inverseSoftplusOfStep, logarithmsOfState, streamSeed, symmetric} from './initializers.js';
import {linearInParts} from './linear-in-parts.js';
import type {MixerSettings} from './mixer-schema.js';
import type {StateShapes} from './state.js';
import type {LayerWeights, WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

export interface FadingMemorySizes {
  /** D. */
  readonly width: number;
  /** E. */
  readonly inner: number;
  /** N. */
  readonly stateSize: number;
  /** K of the causal convolution. */
  readonly convWidth: number;
  /** R. */
  readonly deltaRank: number;
  readonly convBias: boolean;
  readonly projectionBias: boolean;
  /** Of the norm of low-rank step sizes, B and C; 0 where there is none. */
  readonly ssmNormEpsilon: number;
  readonly precision: Precision;
}

/** Sizes that follow from the settings of a mixer on inputs of width D. */
export function fadingSizes(
  {expand, innerWidth, deltaRank, ...settings}: MixerSettings,
  width: number,
): FadingMemorySizes {
  const {stateSize, convWidth, convBias, projectionBias, ssmNormEpsilon, precision} = settings;
  return {
    width,
    inner: innerWidth === 0 ? expand * width : innerWidth,
    stateSize,
    convWidth,
    deltaRank: deltaRank === 0 ? Math.ceil(width / 16) : deltaRank,
    convBias,
    projectionBias,
    ssmNormEpsilon,
    precision,
  };
}

/** Linear maps start uniform within fan_in^-1/2; see design of Mamba-1 for A_log, D and the step bias. */
export function fadingWeights(
  {width, inner, stateSize, convWidth, deltaRank, convBias, projectionBias}: FadingMemorySizes,
  seed: number,
): WeightSpec[] {
  const spec = (name: string, shape: number[], initializer: ElementInitializer): WeightSpec => ({
    name: `ssm.${name}`,
    shape,
    initializer,
  });
  const uniform = (name: string, shape: number[], fanIn: number): WeightSpec =>
    spec(name, shape, symmetric(fanIn ** -0.5, streamSeed(seed, name)));
  return [
    asMatrix(uniform('in_proj', [width, 2 * inner], width)),
    ...(projectionBias ? [uniform('in_bias', [2 * inner], width)] : []),
    uniform('conv_weight', [convWidth, inner], convWidth),
    ...(convBias ? [uniform('conv_bias', [inner], convWidth)] : []),
    asMatrix(uniform('x_proj', [inner, deltaRank + 2 * stateSize], inner)),
    asMatrix(uniform('dt_proj', [deltaRank, inner], deltaRank)),
    spec('dt_bias', [inner], inverseSoftplusOfStep(streamSeed(seed, 'dt_bias'))),
    spec('A_log', [inner, stateSize], logarithmsOfState()),
    spec('D', [inner], constant(1)),
    asMatrix(uniform('out_proj', [inner, width], inner)),
    ...(projectionBias ? [uniform('out_bias', [width], inner)] : []),
  ];
}

/** Recurrent memory of a mixer's SSM: convolution tail [B, K-1, E] (one row where K is 1) and state [B, E, N]. */
export type FadingState = {
  readonly conv: Tensor3D;
  readonly ssm: Tensor3D;
};

/** A convolution of one tap runs as one of two, of which the earlier is zero. */
const taps = (convWidth: number): number => Math.max(2, convWidth);

export function fadingStateShapes({
  inner,
  stateSize,
  convWidth,
}: FadingMemorySizes): StateShapes<FadingState> {
  return {conv: [taps(convWidth) - 1, inner], ssm: [inner, stateSize]};
}

export interface FadingRun {
  /** Fading tokens [B, L, D]. */
  readonly y: Tensor3D;
  /** Gated outputs of the scan [B, L, E], of which they are a projection. */
  readonly scanned: Tensor3D;
  readonly state: FadingState;
}

export class FadingMemory {
  /** `weights` are the built weights of `fadingWeights`. */
  constructor(
    readonly sizes: FadingMemorySizes,
    private readonly weights: LayerWeights,
  ) {}

  /** Fading tokens y [B, L, D] for inputs h [B, L, D], and the memory after them. */
  run(h: Tensor3D, past?: FadingState): FadingRun {
    const {stateSize, deltaRank, convBias, projectionBias, precision} = this.sizes;
    const [x, z] = this.inputAndGate(h);
    const conv = causalConv1d(
      {
        x,
        weight: this.convWeight(),
        bias: convBias ? this.read<Tensor1D>('conv_bias') : undefined,
        initialState: past?.conv,
      },
      {activation: 'silu'},
    );
    const projected = multiplyPassing(conv.y, this.matrix('x_proj'), undefined, {precision});
    const parts = split(projected.y, [deltaRank, stateSize, stateSize], 2) as Tensor3D[];
    const [dt, B, C] = parts.map(part => this.normalised(part));
    const scan = selectiveScan(
      {
        u: projected.passed,
        delta: multiply(dt, this.matrix('dt_proj'), undefined, {precision}),
        A: neg(exp(this.read<Tensor2D>('A_log'))),
        B,
        C,
        D: this.read<Tensor1D>('D'),
        z,
        deltaBias: this.read<Tensor1D>('dt_bias'),
        initialState: past?.ssm,
      },
      {deltaSoftplus: true},
    );
    const outBias = projectionBias ? this.read<Tensor1D>('out_bias') : undefined;
    const y = multiply(scan.y, this.matrix('out_proj'), outBias, {precision});
    return {y, scanned: scan.y, state: {conv: conv.finalState, ssm: scan.finalState}};
  }

  /** The two halves of h Win, each [B, L, E]. */
  private inputAndGate(h: Tensor3D): Tensor3D[] {
    const {inner, projectionBias, precision} = this.sizes;
    const bias = projectionBias ? this.read<Tensor1D>('in_bias') : undefined;
    return linearInParts(h, this.matrix('in_proj'), bias, [inner, inner], precision);
  }

  private convWeight(): Tensor2D {
    const {convWidth, inner} = this.sizes;
    const weight = this.read<Tensor2D>('conv_weight');
    const missing = taps(convWidth) - convWidth;
    return missing === 0 ? weight : concat([fill<Rank.R2>([missing, inner], 0), weight], 0);
  }

  private normalised(x: Tensor3D): Tensor3D {
    const {ssmNormEpsilon: epsilon} = this.sizes;
    return epsilon === 0 ? x : rmsNorm(x, fill<Rank.R1>([x.shape[2]], 1), {epsilon});
  }

  private read<T extends Tensor>(name: string): T {
    return this.weights.read<T>(`ssm.${name}`);
  }

  private matrix(name: string): Matrix {
    return this.weights.matrix(`ssm.${name}`);
  }
}
