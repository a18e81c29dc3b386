import type {Tensor, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {Settings} from '../config/schema.js';
import {integer} from '../config/schema.js';
import {linear, swiglu} from '../custom-ops/index.js';
import {streamSeed, symmetric} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {StatelessLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';

export const swigluSchema = {
  hidden: integer(0, 0, 2 ** 20, 'hidden width; 0 means 8/3 of D rounded up to a multiple of 8'),
  seed: integer(0, 0, 2 ** 31 - 1, 'seed of the initial weights'),
} as const;

/** Hidden width of a SwiGLU on inputs of width D. */
export function hiddenWidth(hidden: number, width: number): number {
  return hidden === 0 ? 8 * Math.ceil(width / 3) : hidden;
}

/**
 * Gated feed-forward network: (SiLU(x Wgate) * (x Wup)) Wdown, [B, L, D] -> [B, L, D].
 *
 * Default: hidden width 8/3 D. Errors: SettingError for a bad setting, ArgumentError for an input of another
 * rank. Source: Shazeer 2020, arXiv 2002.05202.
 */
export class SwiGLU extends StatelessLayer {
  static className = 'BMojoSwiGLU';
  private readonly settings: Settings<typeof swigluSchema>;

  constructor(args: LayerArgs<typeof swigluSchema> = {}) {
    const {keras, settings} = splitConfig('SwiGLU', swigluSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const hidden = hiddenWidth(this.settings.hidden, width);
    const spec = (name: string, rows: number, columns: number): WeightSpec => ({
      name,
      shape: [rows, columns],
      initializer: symmetric(rows ** -0.5, streamSeed(this.settings.seed, name)),
    });
    return [
      spec('gate_proj', width, hidden),
      spec('up_proj', width, hidden),
      spec('down_proj', hidden, width),
    ];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('SwiGLU', inputs, 3);
    return tidy(() => {
      const through = (name: string): Tensor3D => linear(x, this.read<Tensor2D>(name));
      const gated = swiglu(through('gate_proj'), through('up_proj'));
      return linear(gated, this.read<Tensor2D>('down_proj'));
    });
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }
}

serialization.registerClass(SwiGLU);
