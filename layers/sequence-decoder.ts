// The decoder of an auto-encoder: a sequence back from one vector, each position by itself.

import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, erf, mul, scalar, serialization, slice, tensor3d, tidy} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {rmsNorm} from '../custom-ops/index.js';
import {multiply} from './half-matrix.js';
import {constant, normal, streamSeed} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {sequenceDecoderSchema} from './layer-schemas.js';
import type {PartialSequenceDecoderSettings, SequenceDecoderSettings} from './settings.generated.js';
import type {WeightSpec} from './weights.js';
import {DeclaredLayer} from './weights.js';

/**
 * Rebuilds a sequence from its last vector, [B, L, D] -> [B, L, D]: the vector plus a fixed sine-cosine code
 * of each position, then `depth` times RMSNorm, linear D -> D and GELU, the same for every position.
 *
 * Kernels start normal with deviation 0.02. Errors: SettingError for a bad setting, ArgumentError for an
 * input of another rank. Source: the auto-encoder of MAD (arXiv 2403.17844), positions of arXiv 1706.03762.
 */
export class SequenceDecoder extends DeclaredLayer {
  static className = 'BMojoSequenceDecoder';
  private readonly settings: SequenceDecoderSettings;

  constructor(args: KerasConfig & PartialSequenceDecoderSettings = {}) {
    const {keras, settings} = splitConfig('SequenceDecoder', sequenceDecoderSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const {depth, seed} = this.settings;
    return Array.from({length: depth}, (_, i): WeightSpec[] => [
      {name: `norm_${i}`, shape: [width], initializer: constant(1)},
      {
        name: `kernel_${i}`,
        shape: [width, width],
        initializer: normal(0.02, streamSeed(seed, `kernel_${i}`)),
        isMatrix: true,
      },
      {name: `bias_${i}`, shape: [width], initializer: constant(0)},
    ]).flat();
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('SequenceDecoder', inputs, 3);
    const [batch, length, width] = x.shape;
    const {depth, precision} = this.settings;
    return tidy(() => {
      const last = slice(x, [0, length - 1, 0], [batch, 1, width]);
      let y: Tensor3D = add(last, positionCodes(length, width));
      for (let i = 0; i < depth; i++) {
        const normalised = rmsNorm(y, this.read<Tensor1D>(`norm_${i}`));
        const bias = this.read<Tensor1D>(`bias_${i}`);
        y = gelu(multiply(normalised, this.matrix(`kernel_${i}`), bias, {precision}));
      }
      return y;
    });
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }
}

/** Sines at even channels, cosines at odd ones, wavelengths from 2 pi to 10000 x 2 pi: [1, L, D]. */
function positionCodes(length: number, width: number): Tensor3D {
  const codes = Float32Array.from({length: length * width}, (_, i) => {
    const channel = i % width;
    const angle = Math.floor(i / width) * 10000 ** (-(channel - (channel % 2)) / width);
    return channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  return tensor3d(codes, [1, length, width]);
}

/** x Phi(x), exact (arXiv 1606.08415). */
function gelu(x: Tensor3D): Tensor3D {
  return mul(mul(x, scalar(0.5)), add(erf(mul(x, scalar(Math.SQRT1_2))), scalar(1)));
}

serialization.registerClass(SequenceDecoder);
