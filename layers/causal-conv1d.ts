import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import {causalConv1d} from '../custom-ops/index.js';
import {streamSeed, symmetric} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {causalConvSchema} from './layer-schemas.js';
import type {CausalConvSettings, PartialCausalConvSettings} from './settings.generated.js';
import type {StateShapes} from './state.js';
import type {StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';

/** The last K-1 inputs, [B, K-1, E]; absent before the first token. */
export type ConvState = {readonly conv?: Tensor3D};

/**
 * Depthwise causal convolution over time with a bias, [B, L, E] -> [B, L, E].
 *
 * Defaults: kernelSize 4, activation 'silu'. Weights start uniform within K^-1/2. State: the last K-1 inputs.
 * Errors: SettingError for a bad setting, ArgumentError for an input of another rank.
 */
export class CausalConv1D extends StreamingLayer<ConvState> {
  static className = 'BMojoCausalConv1D';
  private readonly settings: CausalConvSettings;

  constructor(args: KerasConfig & PartialCausalConvSettings = {}) {
    const {keras, settings} = splitConfig('CausalConv1D', causalConvSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const {kernelSize, seed} = this.settings;
    const uniform = (name: string, shape: number[]): WeightSpec => ({
      name,
      shape,
      initializer: symmetric(kernelSize ** -0.5, streamSeed(seed, name)),
    });
    return [uniform('conv_weight', [kernelSize, width]), uniform('conv_bias', [width])];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('CausalConv1D', inputs, 3);
    return tidy(() => this.convolve(x).y);
  }

  initialState(): ConvState {
    return {};
  }

  step(x: Tensor3D, state: ConvState): StepResult<ConvState> {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const {y, finalState} = this.convolve(x, state.conv);
      return {y, state: {conv: finalState}};
    });
  }

  stateShapes(width: number, length: number): StateShapes<ConvState> {
    return length === 0 ? {} : {conv: [this.settings.kernelSize - 1, width]};
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  private convolve(x: Tensor3D, initialState?: Tensor3D): {y: Tensor3D; finalState: Tensor3D} {
    const weight = this.read<Tensor2D>('conv_weight');
    const bias = this.read<Tensor1D>('conv_bias');
    return causalConv1d({x, weight, bias, initialState}, {activation: this.settings.activation});
  }
}

serialization.registerClass(CausalConv1D);
