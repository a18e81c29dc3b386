// Layers that declare their weights once: shapes, counts and the weights themselves follow.

import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import type {LayerVariable, Shape, SymbolicTensor} from '@tensorflow/tfjs-layers';
import * as tfl from '@tensorflow/tfjs-layers';
import {ArgumentError} from '../custom-ops/index.js';
import {wordsOfRow} from '../formats/weight-dtype.js';
import type {Matrix} from './half-matrix.js';
import {HalfMatrix} from './half-matrix.js';
import type {ElementInitializer} from './initializers.js';
import {lastSize, refuseMask, refuseNoTensors} from './layer-config.js';
import {currentHalves, HalfInitializer} from './weight-storage.js';

/** A trained array of a layer: its name within the layer, its shape, and what it starts with. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: ElementInitializer;
  /** A matrix [rows, columns] that is multiplied with or looked up in alone: inference may hold it as halves. */
  readonly isMatrix?: true;
}

/** The spec of a weight that is a matrix. */
export function asMatrix(spec: WeightSpec): WeightSpec {
  return {...spec, isMatrix: true};
}

/** The built weights of a layer by their names. */
export interface LayerWeights {
  read<T extends Tensor>(name: string): T;
  /** One whose spec says that it is a matrix. */
  matrix(name: string): Matrix;
}

/** A layer on [B, L, D] whose weights are those that it declares. */
export abstract class DeclaredLayer extends tfl.layers.Layer {
  private readonly variables = new Map<string, LayerVariable>();
  private readonly halves = new Map<string, HalfMatrix>();

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
    for (const spec of this.ownWeightSpecs(this.widthOf(inputShape))) {
      const {name, shape, initializer} = spec;
      if (!this.buildHalves(spec))
        this.variables.set(name, this.addWeight(name, [...shape], 'float32', initializer));
    }
    super.build(inputShape);
  }

  private buildHalves({name, shape, initializer, isMatrix}: WeightSpec): boolean {
    const format = currentHalves();
    if (!isMatrix || format === undefined) return false;
    const [rows, columns] = shape;
    const words = new HalfInitializer(initializer, [rows, columns], format);
    const variable = this.addWeight(name, [rows, wordsOfRow(columns)], 'int32', words, undefined, false);
    this.halves.set(name, new HalfMatrix(variable, [rows, columns], format));
    return true;
  }

  /** Its matrices that lie in memory as halves. */
  halfMatrices(): HalfMatrix[] {
    return [...this.halves.values()];
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
    if (this.halves.has(name))
      throw new ArgumentError(this.name, name, 'in float32 here', this.halves.get(name)?.format ?? '');
    if (variable === undefined) throw new Error(`${this.name} has no weight ${name} yet: it is not built`);
    return variable.read() as T;
  }

  /** For parts of the layer. */
  protected weightsByName(): LayerWeights {
    return {read: name => this.read(name), matrix: name => this.matrix(name)};
  }

  /** A matrix of a built layer. */
  protected matrix(name: string): Matrix {
    return this.halves.get(name) ?? this.read<Tensor2D>(name);
  }
}
