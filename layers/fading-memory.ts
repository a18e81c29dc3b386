// Fading memory: the Mamba-1 mixer (Gu and Dao 2023, arXiv 2312.00752) on weights named ssm.*, whole or in pieces.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {exp, neg, slice, split, zeros} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import {causalConv1d, linear, selectiveScan} from '../custom-ops/index.js';
import type {ElementInitializer} from './initializers.js';
import {constant, inverseSoftplusOfStep, logarithmsOfState, streamSeed, symmetric} from './initializers.js';

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
}

export type AddWeight = (name: string, shape: Shape, initializer: ElementInitializer) => LayerVariable;

/** Recurrent memory of one call: convolution tail [B, K-1, E] and SSM state [B, E, N]. */
export interface FadingState {
  readonly conv: Tensor3D;
  readonly ssm: Tensor3D;
}

export class FadingMemory {
  private readonly weights: Readonly<Record<string, LayerVariable>>;

  /** Linear maps start uniform within fan_in^-1/2; see design of Mamba-1 for A_log, D and the step bias. */
  constructor(
    readonly sizes: FadingMemorySizes,
    addWeight: AddWeight,
    seed: number,
  ) {
    const {width, inner, stateSize, convWidth, deltaRank} = sizes;
    const uniform = (name: string, fanIn: number): ElementInitializer =>
      symmetric(fanIn ** -0.5, streamSeed(seed, name));
    const add = (name: string, shape: number[], initializer: ElementInitializer): LayerVariable =>
      addWeight(`ssm.${name}`, shape, initializer);
    this.weights = {
      in_proj: add('in_proj', [width, 2 * inner], uniform('in_proj', width)),
      conv_weight: add('conv_weight', [convWidth, inner], uniform('conv_weight', convWidth)),
      conv_bias: add('conv_bias', [inner], uniform('conv_bias', convWidth)),
      x_proj: add('x_proj', [inner, deltaRank + 2 * stateSize], uniform('x_proj', inner)),
      dt_proj: add('dt_proj', [deltaRank, inner], uniform('dt_proj', deltaRank)),
      dt_bias: add('dt_bias', [inner], inverseSoftplusOfStep(streamSeed(seed, 'dt_bias'))),
      A_log: add('A_log', [inner, stateSize], logarithmsOfState()),
      D: add('D', [inner], constant(1)),
      out_proj: add('out_proj', [inner, width], uniform('out_proj', inner)),
    };
  }

  /** Fading tokens y [B, L, D] for inputs h [B, L, D], and the memory after them. */
  run(h: Tensor3D, past?: FadingState): {y: Tensor3D; state: FadingState} {
    const {stateSize, deltaRank} = this.sizes;
    const [x, z] = this.inputAndGate(h);
    const conv = causalConv1d(
      {
        x,
        weight: this.read<Tensor2D>('conv_weight'),
        bias: this.read<Tensor1D>('conv_bias'),
        initialState: past?.conv,
      },
      {activation: 'silu'},
    );
    const projected = linear(conv.y, this.read<Tensor2D>('x_proj'));
    const [dt, B, C] = split(projected, [deltaRank, stateSize, stateSize], 2) as Tensor3D[];
    const scan = selectiveScan(
      {
        u: conv.y,
        delta: linear(dt, this.read<Tensor2D>('dt_proj')),
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
    const y = linear(scan.y, this.read<Tensor2D>('out_proj'));
    return {y, state: {conv: conv.finalState, ssm: scan.finalState}};
  }

  /** The two halves of h Win, each [B, L, E]: the smaller of weight and activations is cut in two, not both. */
  private inputAndGate(h: Tensor3D): Tensor3D[] {
    const {width, inner} = this.sizes;
    const inProj = this.read<Tensor2D>('in_proj');
    if (h.shape[0] * h.shape[1] < width) return split(linear(h, inProj), 2, 2) as Tensor3D[];
    return [0, inner].map(begin => linear(h, slice(inProj, [0, begin], [width, inner])));
  }

  initialState(batch: number): FadingState {
    const {inner, stateSize, convWidth} = this.sizes;
    return {conv: zeros([batch, convWidth - 1, inner]), ssm: zeros([batch, inner, stateSize])};
  }

  /** Bytes of one sequence's state. */
  stateBytes(): number {
    const {inner, stateSize, convWidth} = this.sizes;
    return 4 * inner * (stateSize + convWidth - 1);
  }

  private read<T extends Tensor>(name: string): T {
    return this.weights[name].read() as T;
  }
}
