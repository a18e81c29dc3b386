import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {mul, serialization, split, tidy} from '@tensorflow/tfjs-core';
import {causalConv1d} from '../custom-ops/index.js';
import type {ConvState} from './causal-conv1d.js';
import {multiply} from './half-matrix.js';
import {streamSeed, symmetric} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {shortConvSchema} from './layer-schemas.js';
import type {PartialShortConvSettings, ShortConvSettings} from './settings.generated.js';
import type {StateShapes} from './state.js';
import type {StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

/** What {@link ShortConvMixer} takes: keys of tf layers, and its settings. */
export interface ShortConvMixerArgs extends KerasConfig, PartialShortConvSettings {}

/**
 * Gated short convolution, [B, L, D] -> [B, L, D]: b, c, u = x Win, each [B, L, D]; y = (c * conv(b * u)) Wout, where conv is
 * depthwise, causal and over the last K tokens.
 *
 * Defaults: convWidth K 3, no biases. Maps start uniform within fan_in^-1/2. State: the last K-1 gated inputs.
 * Errors: SettingError for a bad setting, ArgumentError for an input of another rank. Source: LFM2, arXiv 2511.23404.
 */
export class ShortConvMixer extends StreamingLayer<ConvState> {
  static className = 'BMojoShortConvMixer';
  private readonly settings: ShortConvSettings;

  constructor(args: ShortConvMixerArgs = {}) {
    const {keras, settings} = splitConfig('ShortConvMixer', shortConvSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const {convWidth, convBias, projectionBias, seed} = this.settings;
    const uniform = (name: string, shape: number[], fanIn: number): WeightSpec => ({
      name,
      shape,
      initializer: symmetric(fanIn ** -0.5, streamSeed(seed, name)),
    });
    return [
      asMatrix(uniform('in_proj', [width, 3 * width], width)),
      ...(projectionBias ? [uniform('in_bias', [3 * width], width)] : []),
      uniform('conv_weight', [convWidth, width], convWidth),
      ...(convBias ? [uniform('conv_bias', [width], convWidth)] : []),
      asMatrix(uniform('out_proj', [width, width], width)),
      ...(projectionBias ? [uniform('out_bias', [width], width)] : []),
    ];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('ShortConvMixer', inputs, 3);
    return tidy(() => this.mix(x).y);
  }

  initialState(): ConvState {
    return {};
  }

  step(x: Tensor3D, state: ConvState): StepResult<ConvState> {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const {y, finalState} = this.mix(x, state.conv);
      return {y, state: {conv: finalState}};
    });
  }

  stateShapes(width: number, length: number): StateShapes<ConvState> {
    return length === 0 ? {} : {conv: [this.settings.convWidth - 1, width]};
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  private mix(x: Tensor3D, initialState?: Tensor3D): {y: Tensor3D; finalState: Tensor3D} {
    const {convBias, projectionBias, precision} = this.settings;
    const bias = (name: string, has: boolean): Tensor1D | undefined => (has ? this.read(name) : undefined);
    const map = (input: Tensor3D, name: string): Tensor3D =>
      multiply(input, this.matrix(`${name}_proj`), bias(`${name}_bias`, projectionBias), {precision});
    const [b, c, u] = split(map(x, 'in'), 3, 2) as Tensor3D[];
    const {y, finalState} = causalConv1d(
      {
        x: mul(b, u),
        weight: this.read<Tensor2D>('conv_weight'),
        bias: bias('conv_bias', convBias),
        initialState,
      },
      {activation: 'none'},
    );
    return {y: map(mul(c, y), 'out'), finalState};
  }
}

serialization.registerClass(ShortConvMixer);
