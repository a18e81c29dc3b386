import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, tidy} from '@tensorflow/tfjs-core';
import {swiglu} from '../custom-ops/index.js';
import {multiply, multiplyPassing} from './half-matrix.js';
import {streamSeed, symmetric} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {swigluSchema} from './layer-schemas.js';
import type {LinearMap} from './linear-in-parts.js';
import type {PartialSwigluSettings, SwigluSettings} from './settings.generated.js';
import {StatelessLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

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
  private readonly settings: SwigluSettings;

  constructor(args: KerasConfig & PartialSwigluSettings = {}) {
    const {keras, settings} = splitConfig('SwiGLU', swigluSchema, args);
    super(keras);
    this.settings = settings;
  }

  weightSpecs(width: number): WeightSpec[] {
    const {bias, seed} = this.settings;
    const hidden = hiddenWidth(this.settings.hidden, width);
    const uniform = (name: string, shape: number[], fanIn: number): WeightSpec => ({
      name,
      shape,
      initializer: symmetric(fanIn ** -0.5, streamSeed(seed, name)),
    });
    const map = (name: string, rows: number, columns: number): WeightSpec[] => [
      asMatrix(uniform(`${name}_proj`, [rows, columns], rows)),
      ...(bias ? [uniform(`${name}_bias`, [columns], rows)] : []),
    ];
    return [...map('gate', width, hidden), ...map('up', width, hidden), ...map('down', hidden, width)];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('SwiGLU', inputs, 3);
    return tidy(() => {
      const gate = this.map(multiplyPassing, x, 'gate');
      const gated = swiglu(gate.y, this.map(multiply, gate.passed, 'up'));
      return this.map(multiply, gated, 'down');
    });
  }

  private map<T>(apply: LinearMap<T>, x: Tensor3D, name: string): T {
    const {bias: hasBias, precision} = this.settings;
    const bias = hasBias ? this.read<Tensor1D>(`${name}_bias`) : undefined;
    return apply(x, this.matrix(`${name}_proj`), bias, {precision});
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }
}

serialization.registerClass(SwiGLU);
