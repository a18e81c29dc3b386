import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization} from '@tensorflow/tfjs-core';
import {rmsNorm} from '../custom-ops/index.js';
import {constant} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {rmsNormSchema} from './layer-schemas.js';
import type {PartialRmsNormSettings} from './settings.generated.js';
import {StatelessLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';

/**
 * Root-mean-square normalisation over channels with a learned gain, [B, L, D] -> [B, L, D].
 *
 * Default: epsilon 1e-5. Errors: SettingError for a bad setting, ArgumentError for an input of another rank.
 * Source: arXiv 1910.07467.
 */
export class RMSNorm extends StatelessLayer {
  static className = 'BMojoRMSNorm';
  private readonly epsilon: number;

  constructor(args: KerasConfig & PartialRmsNormSettings = {}) {
    const {keras, settings} = splitConfig('RMSNorm', rmsNormSchema, args);
    super(keras);
    this.epsilon = settings.epsilon;
  }

  weightSpecs(width: number): WeightSpec[] {
    return [{name: 'norm', shape: [width], initializer: constant(1)}];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('RMSNorm', inputs, 3);
    return rmsNorm(x, this.read<Tensor1D>('norm'), {epsilon: this.epsilon});
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), {epsilon: this.epsilon});
  }
}

serialization.registerClass(RMSNorm);
