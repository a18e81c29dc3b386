import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, serialization, tidy} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import type {Settings} from '../config/schema.js';
import {number} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';
import {rmsNorm} from '../custom-ops/index.js';
import type {CallArguments, TrainingCall} from './dropout.js';
import {DropoutPlace, dropoutField} from './dropout.js';
import {constant} from './initializers.js';
import type {LayerArgs} from './layer-config.js';
import {lastSize, mergeConfig, singleInput, splitConfig} from './layer-config.js';
import type {LayerState, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';

export const residualSchema = {
  epsilon: number(1e-5, 0, 1, 'added to the mean square of the normalisation'),
  dropout: dropoutField,
} as const;

export type ResidualBlockArgs = LayerArgs<typeof residualSchema> & {
  /** The layer inside: a mixer, SwiGLU or any other streaming layer that keeps the shape. */
  layer: StreamingLayer | {className: string; config: serialization.ConfigDict};
};

/**
 * Pre-norm residual block: x + dropout(layer(RMSNorm(x))), [B, L, D] -> [B, L, D]; dropout in training alone.
 *
 * The inner layer's weights are the block's own, beside the gain `norm`.
 * Errors: ArgumentError when `layer` is not a streaming layer.
 */
export class ResidualBlock extends StreamingLayer {
  static className = 'BMojoResidualBlock';
  readonly layer: StreamingLayer;
  private readonly settings: Settings<typeof residualSchema>;
  private readonly dropout: DropoutPlace;
  private gain?: LayerVariable;

  constructor(args: ResidualBlockArgs) {
    const {layer, ...rest} = args;
    const {keras, settings} = splitConfig('ResidualBlock', residualSchema, rest);
    super(keras);
    this.settings = settings;
    this.dropout = new DropoutPlace(settings.dropout, this.name);
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

  override call(inputs: Tensor | Tensor[], given: CallArguments = {}): Tensor {
    const x = singleInput<Tensor3D>('ResidualBlock', inputs, 3);
    return tidy(() => {
      const inner = this.layer.apply(this.normalise(x)) as Tensor3D;
      return add(x, this.dropout.apply(inner, given));
    });
  }

  initialState(batch: number): LayerState {
    return this.layer.initialState(batch);
  }

  step(x: Tensor3D, state: LayerState, training: Partial<TrainingCall> = {}): StepResult {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const inner = this.layer.step(this.normalise(x), state);
      return {y: add(x, this.dropout.apply(inner.y, training)), state: inner.state};
    });
  }

  stateSize(length?: number): number {
    return this.layer.stateSize(length);
  }

  override getConfig(): serialization.ConfigDict {
    const inner = {className: this.layer.getClassName(), config: this.layer.getConfig()};
    return mergeConfig(super.getConfig(), {...this.settings, layer: inner});
  }

  /** What the inner layer sees of x [B, L, D]. */
  normalise(x: Tensor3D): Tensor3D {
    return rmsNorm(x, this.gain?.read() as Tensor1D, {epsilon: this.settings.epsilon});
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
