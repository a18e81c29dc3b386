import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import {number} from '../config/schema.js';
import {rmsNorm} from '../custom-ops/index.js';
import {constant} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export const rmsNormSchema = {
  epsilon: number(1e-5, 0, 1, 'added to the mean square before the root'),
} as const;

/**
 * Root-mean-square normalisation over channels with a learned gain, [B, L, D] -> [B, L, D].
 *
 * Default: epsilon 1e-5. Source: arXiv 1910.07467.
 */
export class RMSNorm extends StreamingLayer {
  static className = 'BMojoRMSNorm';
  private readonly epsilon: number;
  private gain?: LayerVariable;

  constructor(args: LayerArgs<typeof rmsNormSchema> = {}) {
    const {keras, settings} = splitConfig('RMSNorm', rmsNormSchema, args);
    super(keras);
    this.epsilon = settings.epsilon;
  }

  override build(inputShape: Shape | Shape[]): void {
    this.gain = this.addWeight('norm', [lastSize('RMSNorm', inputShape)], 'float32', constant(1));
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('RMSNorm', inputs, 3);
    return rmsNorm(x, this.gain?.read() as Tensor1D, {epsilon: this.epsilon});
  }

  initialState(): LayerState {
    return {position: 0, tensors: {}};
  }

  step(x: Tensor3D, state: LayerState): StepResult {
    return {y: this.apply(x) as Tensor3D, state: {position: state.position + x.shape[1], tensors: {}}};
  }

  stateSize(): number {
    return 0;
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), {epsilon: this.epsilon});
  }
}

serialization.registerClass(RMSNorm);
