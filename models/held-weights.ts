// The weights of a built model as it holds them: float32, or matrices of halves, in the order in which they were declared.

import {clone, tensor, tidy, Variable} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type {HalfDType, WeightDType} from '../formats/weight-dtype.js';
import {firstBeyond, narrow, wordsOfHalves} from '../formats/weight-dtype.js';
import type {HalfMatrix} from '../layers/half-matrix.js';
import {DeclaredLayer} from '../layers/index.js';
import {elements} from '../layers/state.js';
import {ModelFormatError} from './model-format.js';
import {copyInto} from './trainable-weights.js';

/** A number that the format in which a weight is to be held has no finite place for. */
export class WeightRangeError extends ModelFormatError {
  constructor(
    readonly weight: string,
    readonly value: number,
    readonly format: HalfDType,
  ) {
    const wider = format === 'float16' ? 'bfloat16 or float32' : 'float32';
    super(`${weight} holds ${value}, which ${format} cannot: load the model with dtype ${wider}`);
  }
}

/** A weight of a model, whatever its numbers are in memory. */
export class HeldWeight {
  constructor(
    readonly name: string,
    /** Of its numbers. */
    readonly shape: readonly number[],
    private readonly variable: Variable,
    /** Where it is a matrix of halves. */
    private readonly matrix: HalfMatrix | undefined,
  ) {}

  get storage(): WeightDType {
    return this.matrix?.format ?? 'float32';
  }

  /** What it takes of memory. */
  get bytes(): number {
    return 4 * this.variable.size;
  }

  /** Its numbers in float32, row-major. */
  async numbers(): Promise<Float32Array> {
    if (this.matrix === undefined) return this.variable.data<'float32'>();
    const unpacked = this.matrix.unpacked();
    const numbers = await unpacked.data<'float32'>();
    unpacked.dispose();
    return numbers;
  }

  /** Gives it numbers, rounded to its format. Errors: WeightRangeError for one that has no finite place there. */
  take(given: Float32Array): void {
    const {matrix} = this;
    const numbers = ownNumbers(given);
    if (matrix === undefined) {
      this.assign(numbers, 'float32');
      return;
    }
    const beyond = firstBeyond(numbers, matrix.format);
    if (beyond !== undefined) throw new WeightRangeError(this.name, beyond, matrix.format);
    this.takeHalves(matrix, narrow(numbers, matrix.format));
  }

  /** As `take`, for bytes that may be in its format already: those of finite halves stay as they are. */
  takeBytes(
    bytes: Uint8Array<ArrayBuffer>,
    dtype: WeightDType,
    widened: () => Float32Array<ArrayBuffer>,
  ): void {
    if (this.matrix !== undefined && dtype === this.matrix.format) this.takeHalves(this.matrix, bytes);
    else this.take(widened());
  }

  /** Gives it the numbers of a weight that is held alike. Halves, which nothing changes, are shared. */
  copy({variable}: HeldWeight): void {
    if (this.matrix === undefined) copyInto(this.variable, variable);
    else tidy(() => this.variable.assign(clone(variable)));
  }

  private takeHalves({shape}: HalfMatrix, {buffer, byteOffset, byteLength}: Uint8Array<ArrayBuffer>): void {
    this.assign(wordsOfHalves(new Uint16Array(buffer, byteOffset, byteLength / 2), shape[1]), 'int32');
  }

  private assign(values: Float32Array | Int32Array, dtype: 'float32' | 'int32'): void {
    const value = tensor(values, this.variable.shape, dtype);
    this.variable.assign(value);
    value.dispose();
  }
}

/** Every weight of a model, in the order in which its layers declare them. */
export function heldWeights(model: tfl.LayersModel): HeldWeight[] {
  const declared = model.layers.filter(layer => layer instanceof DeclaredLayer);
  const matrices = new Map(
    declared.flatMap(layer => layer.halfMatrices().map(matrix => [matrix.variable, matrix] as const)),
  );
  // Halves are not trained, and tf lists what is trained first.
  const weights = [...model.weights].sort((one, other) => one.id - other.id);
  return weights.map(weight => {
    const variable = weight.read();
    const name = weight.originalName;
    if (!(variable instanceof Variable)) throw new Error(`${name} is no variable`);
    const matrix = matrices.get(weight);
    return new HeldWeight(name, matrix?.shape ?? variable.shape, variable, matrix);
  });
}

/** The format of a model's matrices: of halves where it is for inference alone. */
export function weightStorageOf(model: tfl.LayersModel): WeightDType {
  return heldWeights(model).find(({storage}) => storage !== 'float32')?.storage ?? 'float32';
}

/** Errors: ModelFormatError for a model whose matrices are halves. */
export function refuseHalves(name: string, dtype: string): never {
  throw new ModelFormatError(
    `${name} is held as ${dtype}, for inference: load the model with dtype float32 to train or save it`,
  );
}

/** Bytes of a model's weights as it holds them. */
export function weightBytesOf(model: tfl.LayersModel): number {
  return heldWeights(model).reduce((total, {bytes}) => total + bytes, 0);
}

/** Number of numbers in a model's matrices of halves. */
export function halvesCount(model: tfl.LayersModel): number {
  return heldWeights(model)
    .filter(({storage}) => storage !== 'float32')
    .reduce((total, {shape}) => total + elements(shape), 0);
}

/** A view where that is safe; threads' memory cannot be handed to files and hashes. */
export function ownNumbers(numbers: Float32Array): Float32Array<ArrayBuffer> {
  const own = numbers.buffer instanceof ArrayBuffer ? numbers : Float32Array.from(numbers);
  return own as Float32Array<ArrayBuffer>;
}
