import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {serialization} from '@tensorflow/tfjs-core';
import type {Shape, SymbolicTensor} from '@tensorflow/tfjs-layers';
import * as tfl from '@tensorflow/tfjs-layers';
import {rotaryEmbedding} from '../custom-ops/index.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, refuseMask, singleInput, splitConfig} from './layer-config.js';
import {rotarySchema} from './layer-schemas.js';
import type {PartialRotarySettings} from './settings.generated.js';

/**
 * Rotates the halves of every head by its token's position, [B, L, H, Dh] -> [B, L, H, Dh]; Dh must be even.
 *
 * Default: base 10000. Errors: SettingError for a bad setting, ArgumentError for an input of another rank or
 * an odd Dh. Source: Su et al. 2021, arXiv 2104.09864.
 */
export class RotaryEmbedding extends tfl.layers.Layer {
  static className = 'BMojoRotaryEmbedding';
  private readonly base: number;

  constructor(args: KerasConfig & PartialRotarySettings = {}) {
    const {keras, settings} = splitConfig('RotaryEmbedding', rotarySchema, args);
    super(keras);
    this.base = settings.base;
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    kwargs?: Record<string, unknown>,
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    refuseMask('RotaryEmbedding', kwargs);
    return super.apply(inputs, kwargs);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return rotaryEmbedding(singleInput<Tensor4D>('RotaryEmbedding', inputs, 4), {base: this.base});
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), {base: this.base});
  }
}

serialization.registerClass(RotaryEmbedding);
