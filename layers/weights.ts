// Layers that declare their weights once: shapes, counts and the weights themselves follow.

import type {Tensor} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape, SymbolicTensor} from '@tensorflow/tfjs-layers';
import * as tfl from '@tensorflow/tfjs-layers';
import type {ElementInitializer} from './initializers.js';
import {lastSize, refuseMask, refuseNoTensors} from './layer-config.js';

/** A trained array of a layer: its name within the layer, its shape, and what it starts with. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: ElementInitializer;
}

/** Gives a built weight by its name. */
export type ReadWeight = <T extends Tensor>(name: string) => T;

/** A layer on [B, L, D] whose weights are those that it declares. */
export abstract class DeclaredLayer extends tfl.layers.Layer {
  private readonly variables = new Map<string, LayerVariable>();

  /** Every weight of a layer on inputs of width D, in order; nothing is allocated. Errors: SettingError for a D that does not fit. */
  abstract weightSpecs(width: number): WeightSpec[];

  /** Whether every token is treated by itself, so that a mask of padding asks nothing of the layer. */
  get isTokenwise(): boolean {
    return false;
  }

  /** Errors: ArgumentError for what is no tensor, and for tf's mask of padding on a layer that carries something from token to token. */
  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    kwargs?: Record<string, unknown>,
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const layer = this.getClassName().replace(/^BMojo(?!Mixer)/, '');
    refuseNoTensors(layer, inputs);
    if (!this.isTokenwise) refuseMask(layer, kwargs);
    return super.apply(inputs, kwargs);
  }

  override build(inputShape: Shape | Shape[]): void {
    for (const {name, shape, initializer} of this.ownWeightSpecs(this.widthOf(inputShape)))
      this.variables.set(name, this.addWeight(name, [...shape], 'float32', initializer));
    super.build(inputShape);
  }

  /** Those of `weightSpecs` that do not belong to a layer inside. */
  protected ownWeightSpecs(width: number): WeightSpec[] {
    return this.weightSpecs(width);
  }

  /** D of an input's shape. */
  protected widthOf(inputShape: Shape | Shape[]): number {
    return lastSize(this.getClassName().replace(/^BMojo(?!Mixer)/, ''), inputShape);
  }

  /** A weight of a built layer. */
  protected read<T extends Tensor>(name: string): T {
    const variable = this.variables.get(name);
    if (variable === undefined) throw new Error(`${this.name} has no weight ${name} yet: it is not built`);
    return variable.read() as T;
  }
}
