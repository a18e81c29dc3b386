import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, serialization, tidy} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import {number} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';
import {rmsNorm} from '../custom-ops/index.js';
import {constant} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export const residualSchema = {
  epsilon: number(1e-5, 0, 1, 'added to the mean square of the normalisation'),
} as const;

export type ResidualBlockArgs = LayerArgs<typeof residualSchema> & {
  /** The layer inside: a mixer, SwiGLU or any other streaming layer that keeps the shape. */
  layer: StreamingLayer | {className: string; config: serialization.ConfigDict};
};

/**
 * Pre-norm residual block: x + layer(RMSNorm(x)), [B, L, D] -> [B, L, D].
 *
 * The inner layer's weights are the block's own, beside the gain `norm`.
 * Errors: ArgumentError when `layer` is not a streaming layer.
 */
export class ResidualBlock extends StreamingLayer {
  static className = 'BMojoResidualBlock';
  readonly layer: StreamingLayer;
  private readonly epsilon: number;
  private gain?: LayerVariable;

  constructor(args: ResidualBlockArgs) {
    const {layer, ...rest} = args;
    const {keras, settings} = splitConfig('ResidualBlock', residualSchema, rest);
    super(keras);
    this.epsilon = settings.epsilon;
    this.layer = layer instanceof StreamingLayer ? layer : restore(layer);
  }

  override build(inputShape: Shape | Shape[]): void {
    this.gain = this.addWeight('norm', [lastSize('ResidualBlock', inputShape)], 'float32', constant(1));
    if (!this.layer.built) {
      this.layer.build(inputShape);
      this.layer.built = true;
    }
    this._trainableWeights.push(...this.layer.trainableWeights);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('ResidualBlock', inputs, 3);
    return tidy(() => add(x, this.layer.apply(this.normalise(x)) as Tensor3D));
  }

  initialState(batch: number): LayerState {
    return this.layer.initialState(batch);
  }

  step(x: Tensor3D, state: LayerState): StepResult {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const inner = this.layer.step(this.normalise(x), state);
      return {y: add(x, inner.y), state: inner.state};
    });
  }

  stateSize(length?: number): number {
    return this.layer.stateSize(length);
  }

  override getConfig(): serialization.ConfigDict {
    const inner = {className: this.layer.getClassName(), config: this.layer.getConfig()};
    return mergeConfig(super.getConfig(), {epsilon: this.epsilon, layer: inner});
  }

  /** What the inner layer sees of x [B, L, D]. */
  normalise(x: Tensor3D): Tensor3D {
    return rmsNorm(x, this.gain?.read() as Tensor1D, {epsilon: this.epsilon});
  }
}

function restore(given: {className: string; config: serialization.ConfigDict} | undefined): StreamingLayer {
  const entry = serialization.SerializationMap.getMap().classNameMap[given?.className ?? ''];
  const layer = entry === undefined ? undefined : entry[1](entry[0], given?.config ?? {});
  if (!(layer instanceof StreamingLayer)) {
    refuse(
      'ResidualBlock',
      'layer',
      'a streaming layer such as BMojoMixer or SwiGLU',
      given?.className ?? given,
    );
  }
  return layer;
}

serialization.registerClass(ResidualBlock);
