import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import type {Settings} from '../config/schema.js';
import {choice, integer} from '../config/schema.js';
import {causalConv1d} from '../custom-ops/index.js';
import {streamSeed, symmetric} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export const causalConvSchema = {
  kernelSize: integer(4, 2, 16, 'taps K; the last one sees the current token'),
  activation: choice(['none', 'silu'], 'silu', 'applied to the sum'),
  seed: integer(0, 0, 2 ** 31 - 1, 'seed of the initial weights'),
} as const;

/**
 * Depthwise causal convolution over time with a bias, [B, L, E] -> [B, L, E].
 *
 * Defaults: kernelSize 4, activation 'silu'. Weights start uniform within K^-1/2. State: the last K-1 inputs.
 */
export class CausalConv1D extends StreamingLayer {
  static className = 'BMojoCausalConv1D';
  private readonly settings: Settings<typeof causalConvSchema>;
  private kernel?: LayerVariable;
  private bias?: LayerVariable;

  constructor(args: LayerArgs<typeof causalConvSchema> = {}) {
    const {keras, settings} = splitConfig('CausalConv1D', causalConvSchema, args);
    super(keras);
    this.settings = settings;
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = lastSize('CausalConv1D', inputShape);
    const {kernelSize, seed} = this.settings;
    const uniform = (name: string) => symmetric(kernelSize ** -0.5, streamSeed(seed, name));
    this.kernel = this.addWeight('conv_weight', [kernelSize, width], 'float32', uniform('conv_weight'));
    this.bias = this.addWeight('conv_bias', [width], 'float32', uniform('conv_bias'));
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('CausalConv1D', inputs, 3);
    return tidy(() => this.convolve(x).y);
  }

  initialState(): LayerState {
    return {position: 0, tensors: {}};
  }

  step(x: Tensor3D, state: LayerState): StepResult {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const {y, finalState} = this.convolve(x, state.tensors.conv as Tensor3D | undefined);
      return {y, state: {position: state.position + x.shape[1], tensors: {conv: finalState}}};
    });
  }

  stateSize(): number {
    return 4 * (this.settings.kernelSize - 1) * (this.bias?.shape[0] ?? 0);
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  private convolve(x: Tensor3D, initialState?: Tensor3D): {y: Tensor3D; finalState: Tensor3D} {
    const weight = this.kernel?.read() as Tensor2D;
    const bias = this.bias?.read() as Tensor1D;
    return causalConv1d({x, weight, bias, initialState}, {activation: this.settings.activation});
  }
}

serialization.registerClass(CausalConv1D);
