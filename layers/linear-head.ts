import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {multiply} from './half-matrix.js';
import {constant, normal, streamSeed} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {linearHeadSchema} from './layer-schemas.js';
import type {LinearHeadSettings, PartialLinearHeadSettings} from './settings.generated.js';
import type {WeightSpec} from './weights.js';
import {DeclaredLayer} from './weights.js';

/**
 * Scores every token id by weights of its own, [B, L, D] -> [B, L, V] logits: the output head that is not
 * tied.
 *
 * The kernel starts normal with deviation 0.02, the bias at zero. Errors: SettingError for a bad setting,
 * ArgumentError for an input of another rank.
 */
export class LinearHead extends DeclaredLayer {
  static className = 'BMojoLinearHead';
  private readonly settings: LinearHeadSettings;

  constructor(args: KerasConfig & PartialLinearHeadSettings) {
    const {keras, settings} = splitConfig('LinearHead', linearHeadSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const {vocabSize, bias, seed} = this.settings;
    return [
      {
        name: 'kernel',
        shape: [width, vocabSize],
        initializer: normal(0.02, streamSeed(seed, 'kernel')),
        isMatrix: true,
      },
      ...(bias ? [{name: 'bias', shape: [vocabSize], initializer: constant(0)}] : []),
    ];
  }

  override get isTokenwise(): boolean {
    return true;
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.settings.vocabSize];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('LinearHead', inputs, 3);
    return tidy(() => this.logits(x));
  }

  /** Logits [B, L, V] of x [B, L, D]. */
  logits(x: Tensor3D): Tensor3D {
    const {bias: hasBias, precision} = this.settings;
    const bias = hasBias ? this.read<Tensor1D>('bias') : undefined;
    return multiply(x, this.matrix('kernel'), bias, {precision});
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }
}

serialization.registerClass(LinearHead);
