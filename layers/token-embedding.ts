// The embedding table, and the output head that shares it.

import type {Tensor, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {serialization, softmax, tidy} from '@tensorflow/tfjs-core';
import type {Shape, SymbolicTensor} from '@tensorflow/tfjs-layers';
import * as tfl from '@tensorflow/tfjs-layers';
import {ArgumentError} from '../custom-ops/index.js';
import {wholeNumbers} from '../custom-ops/whole-numbers.js';
import type {CallArguments} from './dropout.js';
import {DropoutPlace} from './dropout.js';
import type {Matrix} from './half-matrix.js';
import {lookUp, multiplyTransposed} from './half-matrix.js';
import {normal, streamSeed} from './initializers.js';
import type {KerasConfig} from './layer-config.js';
import {mergeConfig, singleInput, splitConfig} from './layer-config.js';
import {tiedHeadSchema, tokenEmbeddingSchema} from './layer-schemas.js';
import type {
  PartialTiedHeadSettings,
  PartialTokenEmbeddingSettings,
  TiedHeadSettings,
  TokenEmbeddingSettings,
} from './settings.generated.js';
import type {WeightSpec} from './weights.js';
import {DeclaredLayer} from './weights.js';

/**
 * Looks up a vector for each token id, [B, L] -> [B, L, D], with dropout in training alone.
 *
 * The table starts normal with deviation 0.02. Errors: SettingError for a bad setting; ArgumentError for an
 * input of another rank, and for ids that are not whole numbers in [0, V) on backends whose memory is readable; elsewhere
 * their vectors are NaN.
 */
export class TokenEmbedding extends DeclaredLayer {
  static className = 'BMojoTokenEmbedding';
  private readonly settings: TokenEmbeddingSettings;
  private readonly dropout: DropoutPlace;

  constructor(args: KerasConfig & PartialTokenEmbeddingSettings) {
    const {keras, settings} = splitConfig('TokenEmbedding', tokenEmbeddingSchema, args);
    super(keras);
    this.settings = settings;
    this.dropout = new DropoutPlace(settings.dropout, this.name);
  }

  /** The table, [V, D], in float32. Errors: ArgumentError where it lies in memory as halves. */
  get table(): Tensor2D {
    return this.read('table');
  }

  /** The table, whatever its numbers are. */
  get rows(): Matrix {
    return this.matrix('table');
  }

  get vocabSize(): number {
    return this.settings.vocabSize;
  }

  /** Width D of the vectors. */
  get dim(): number {
    return this.settings.dim;
  }

  override get isTokenwise(): boolean {
    return true;
  }

  weightSpecs(): WeightSpec[] {
    const {vocabSize, dim, seed} = this.settings;
    const initializer = normal(0.02, streamSeed(seed, 'table'));
    return [{name: 'table', shape: [vocabSize, dim], initializer, isMatrix: true}];
  }

  /** Its inputs are ids, whose last size is L. */
  protected override widthOf(): number {
    return this.settings.dim;
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape, this.settings.dim];
  }

  override call(inputs: Tensor | Tensor[], given: CallArguments = {}): Tensor {
    const ids = singleInput<Tensor2D>('TokenEmbedding', inputs, 2);
    return tidy(() =>
      this.dropout.apply(lookUp(this.rows, wholeNumbers('TokenEmbedding', 'ids', ids)), given),
    );
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }
}

/**
 * Scores every token id by the embedding table itself, [B, L, D] -> [B, L, V].
 *
 * It has no weights: it uses the nearest TokenEmbedding upstream of the tensor it is applied to, also after loading.
 * Errors: Error when there is none.
 */
export class TiedHead extends tfl.layers.Layer {
  static className = 'BMojoTiedHead';
  private readonly settings: TiedHeadSettings;
  private embedding?: TokenEmbedding;

  constructor(args: KerasConfig & PartialTiedHeadSettings = {}) {
    const {keras, settings} = splitConfig('TiedHead', tiedHeadSchema, args);
    super(keras);
    this.settings = settings;
  }

  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    kwargs?: Record<string, unknown>,
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const first = Array.isArray(inputs) ? inputs[0] : inputs;
    if (first instanceof tfl.SymbolicTensor) this.embedding = upstreamEmbedding(first);
    return super.apply(inputs, kwargs);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.tied().vocabSize];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = singleInput<Tensor3D>('TiedHead', inputs, 3);
    return tidy(() => {
      const logits = this.logits(x);
      return this.isProbability ? softmax(logits) : logits;
    });
  }

  /** Whether `call` gives probabilities instead of logits. */
  get isProbability(): boolean {
    return this.settings.activation === 'softmax';
  }

  /** Logits [B, L, V] of x [B, L, D], whatever the activation. */
  logits(x: Tensor3D): Tensor3D {
    const {precision} = this.settings;
    return multiplyTransposed(x, this.tied().rows, {precision});
  }

  override getConfig(): serialization.ConfigDict {
    return mergeConfig(super.getConfig(), this.settings);
  }

  /** The embedding whose table it uses. Errors: ArgumentError when there is none. */
  tied(): TokenEmbedding {
    if (this.embedding === undefined) {
      throw new ArgumentError(
        'TiedHead',
        'input',
        'what has passed a TokenEmbedding, whose table it uses',
        'a tensor that has passed none',
      );
    }
    return this.embedding;
  }
}

function upstreamEmbedding(tensor: SymbolicTensor): TokenEmbedding | undefined {
  const queue = [tensor];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (next.sourceLayer instanceof TokenEmbedding) return next.sourceLayer;
    queue.push(...(next.inputs ?? []));
  }
  return undefined;
}

serialization.registerClass(TokenEmbedding);
serialization.registerClass(TiedHead);
