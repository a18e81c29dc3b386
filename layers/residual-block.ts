import type {Tensor, Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, serialization, tidy} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape} from '@tensorflow/tfjs-layers';
import {refuse} from '../custom-ops/check.js';
import {rmsNorm, rmsNormPassing} from '../custom-ops/index.js';
import type {CallArguments} from './dropout.js';
import {DropoutPlace} from './dropout.js';
import type {HalfMatrix} from './half-matrix.js';
import {constant} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {residualSchema} from './layer-schemas.js';
import type {PartialResidualSettings, ResidualSettings} from './settings.generated.js';
import type {ShapeTree, StateTree} from './state.js';
import type {RotarySpec, StepContext} from './step-context.js';
import type {RoomChange, StepKind, StepResult} from './streaming.js';
import {StreamingLayer} from './streaming.js';
import type {WeightSpec} from './weights.js';

/**
 * What {@link ResidualBlock} takes: keys of tf layers, the layer inside, `epsilon` (default 1e-5) and
 * `dropout` (default 0).
 */
export interface ResidualBlockArgs extends KerasConfig, PartialResidualSettings {
  /** The layer inside: a mixer, SwiGLU or any other streaming layer that keeps the shape. */
  layer: StreamingLayer | {className: string; config: serialization.ConfigDict};
}

/**
 * Pre-norm residual block: x + dropout(layer(RMSNorm(x))), [B, L, D] -> [B, L, D]; dropout in training alone.
 *
 * The inner layer's weights are the block's own, beside the gain `norm`. Errors: ArgumentError when `layer`
 * is not a streaming layer, and for an input of another rank; SettingError for a bad setting.
 */
export class ResidualBlock extends StreamingLayer {
  static className = 'BMojoResidualBlock';
  readonly layer: StreamingLayer;
  private readonly settings: ResidualSettings;
  private readonly dropout: DropoutPlace;

  constructor(args: ResidualBlockArgs) {
    if (args?.layer === undefined)
      refuse('ResidualBlock', 'layer', 'a streaming layer such as BMojoMixer or SwiGLU', undefined);
    const {layer, ...rest} = args;
    const {keras, settings} = splitConfig('ResidualBlock', residualSchema, rest);
    super(keras);
    this.settings = settings;
    this.dropout = new DropoutPlace(settings.dropout, this.name);
    this.layer = layer instanceof StreamingLayer ? layer : restore(layer);
  }

  override get isTokenwise(): boolean {
    return this.layer.isTokenwise;
  }

  weightSpecs(width: number): WeightSpec[] {
    return [...this.ownWeightSpecs(width), ...this.layer.weightSpecs(width)];
  }

  protected override ownWeightSpecs(width: number): WeightSpec[] {
    return [{name: 'norm', shape: [width], initializer: constant(1)}];
  }

  override build(inputShape: Shape | Shape[]): void {
    super.build(inputShape);
    if (!this.layer.built) {
      this.layer.build(inputShape);
      this.layer.built = true;
    }
    this._trainableWeights.push(...this.layer.trainableWeights);
  }

  /** Words of halves, where the layer inside has such. */
  override get nonTrainableWeights(): LayerVariable[] {
    return [...new Set([...super.nonTrainableWeights, ...this.layer.nonTrainableWeights])];
  }

  override halfMatrices(): HalfMatrix[] {
    return [...super.halfMatrices(), ...this.layer.halfMatrices()];
  }

  override call(inputs: Tensor | Tensor[], given: CallArguments = {}): Tensor {
    const x = singleInput<Tensor3D>('ResidualBlock', inputs, 3);
    return tidy(() => {
      const {y, passed} = this.normalisePassing(x);
      const inner = this.layer.apply(y, {...given}) as Tensor3D;
      return add(passed, this.dropout.apply(inner, given));
    });
  }

  initialState(batch: number): StateTree {
    return this.layer.initialState(batch);
  }

  step(x: Tensor3D, state: StateTree, context: StepContext): StepResult {
    if (!this.built) this.apply(x);
    return tidy(() => {
      const {y, passed} = this.normalisePassing(x);
      const inner = this.layer.step(y, state, context);
      return {y: add(passed, this.dropout.apply(inner.y, {...context.training})), state: inner.state};
    });
  }

  stateShapes(width: number, length: number, room?: number): ShapeTree {
    return this.layer.stateShapes(width, length, room);
  }

  override withRoom(state: StateTree, position: number, room: RoomChange): StateTree {
    return this.layer.withRoom(state, position, room);
  }

  override stepKind(position: number, length: number): StepKind {
    return this.layer.stepKind(position, length);
  }

  override rotarySpecs(width: number): RotarySpec[] {
    return this.layer.rotarySpecs(width);
  }

  override getConfig(): serialization.ConfigDict {
    const inner = {className: this.layer.getClassName(), config: this.layer.getConfig()};
    return mergeConfig(super.getConfig(), {...this.settings, layer: inner});
  }

  private normalisePassing(x: Tensor3D): {y: Tensor3D; passed: Tensor3D} {
    return rmsNormPassing(x, this.read<Tensor1D>('norm'), {epsilon: this.settings.epsilon});
  }

  /** What the inner layer sees of x [B, L, D]. */
  normalise(x: Tensor3D): Tensor3D {
    return rmsNorm(x, this.read<Tensor1D>('norm'), {epsilon: this.settings.epsilon});
  }
}

function restore(given: {className: string; config: serialization.ConfigDict} | undefined): StreamingLayer {
  // A class has a name, but no settings.
  const entry =
    typeof given === 'object'
      ? serialization.SerializationMap.getMap().classNameMap[given?.className ?? '']
      : undefined;
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
