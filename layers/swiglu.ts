import type {Tensor, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import type {Settings} from '../config/schema.js';
import {integer} from '../config/schema.js';
import {linear, swiglu} from '../custom-ops/index.js';
import {streamSeed, symmetric} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export const swigluSchema = {
  hidden: integer(0, 0, 2 ** 20, 'hidden width; 0 means 8/3 of D rounded up to a multiple of 8'),
  seed: integer(0, 0, 2 ** 31 - 1, 'seed of the initial weights'),
} as const;

/**
 * Gated feed-forward network: (SiLU(x Wgate) * (x Wup)) Wdown, [B, L, D] -> [B, L, D].
 *
 * Default: hidden width 8/3 D. Source: Shazeer 2020, arXiv 2002.05202.
 */
export class SwiGLU extends StreamingLayer {
  static className = 'BMojoSwiGLU';
  private readonly settings: Settings<typeof swigluSchema>;
  private gate?: LayerVariable;
  private up?: LayerVariable;
  private down?: LayerVariable;

  constructor(args: LayerArgs<typeof swigluSchema> = {}) {
    const {keras, settings} = splitConfig('SwiGLU', swigluSchema, args);
    super(keras);
    this.settings = settings;
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = lastSize('SwiGLU', inputShape);
    const hidden = this.settings.hidden === 0 ? 8 * Math.ceil(width / 3) : this.settings.hidden;
    const add = (name: string, rows: number, columns: number): LayerVariable =>
      this.addWeight(
        name,
        [rows, columns],
        'float32',
        symmetric(rows ** -0.5, streamSeed(this.settings.seed, name)),
      );
    this.gate = add('gate_proj', width, hidden);
    this.up = add('up_proj', width, hidden);
    this.down = add('down_proj', hidden, width);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('SwiGLU', inputs, 3);
    return tidy(() => {
      const gated = swiglu(linear(x, this.gate?.read() as Tensor2D), linear(x, this.up?.read() as Tensor2D));
      return linear(gated, this.down?.read() as Tensor2D);
    });
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
    return mergeConfig(super.getConfig(), this.settings);
  }
}

serialization.registerClass(SwiGLU);
