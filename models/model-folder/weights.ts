// The weights of a model as bytes: cut into shards, hashed as a whole, and held against what model.json says of them.

import type {io} from '@tensorflow/tfjs-core';
import {Variable} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {encodeHeader} from '../../formats/safetensors-header.js';
import type {Sha256} from '../../formats/sha256/index.js';
import {startSha256} from '../../formats/sha256/index.js';
import type {WeightDType} from '../../formats/weight-dtype.js';
import {firstBeyond, narrow, weightWidths} from '../../formats/weight-dtype.js';
import {heldWeights, ownNumbers, refuseHalves, weightStorageOf} from '../held-weights.js';
import {ModelFormatError} from '../model-format.js';

/** Bytes of a shard at most; a multiple of four, so that no number lies in two. */
export const SHARD_BYTES = 32_000_000;

/** Formats of weights that tf's model.json has words for. */
export const folderDTypes = ['float32', 'float16'] as const;

/** One of {@link folderDTypes}: how the weights of a model folder lie in its files. */
export type FolderDType = (typeof folderDTypes)[number];

/** Name and shape of a weight. */
export interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface NamedWeight extends WeightEntry {
  readonly variable: Variable;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const bytesOf = (weights: readonly WeightEntry[], dtype: WeightDType): number =>
  weights.reduce((total, {shape}) => total + weightWidths[dtype] * sizeOf(shape), 0);

/** All weights in the model's order, under the names by which tf loads them. Errors: ModelFormatError for other than float32. */
export function weightsOf(model: tfl.LayersModel): NamedWeight[] {
  const held = weightStorageOf(model);
  if (held !== 'float32') refuseHalves('the model', held);
  return model.weights.map(weight => {
    const variable = weight.read();
    const name = weight.originalName;
    if (!(variable instanceof Variable) || variable.dtype !== 'float32')
      throw new ModelFormatError(`${name} must be a variable of float32, got ${variable.dtype}`);
    return {name, shape: variable.shape, variable};
  });
}

/** What tf's model.json says of weights: whatever it stores them as, they become float32. */
export function specsOf(weights: readonly WeightEntry[], dtype: FolderDType): io.WeightsManifestEntry[] {
  const stored = dtype === 'float32' ? {} : {quantization: {dtype, original_dtype: 'float32'} as const};
  return weights.map(({name, shape}) => ({name, shape: [...shape], dtype: 'float32', ...stored}));
}

/**
 * The bytes of one weight after another, read from the device one at a time. Errors: ModelFormatError unless all numbers are
 * finite, also as `dtype`.
 */
export async function* weightPieces(
  weights: readonly NamedWeight[],
  dtype: WeightDType,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  for (const {name, variable} of weights) {
    const numbers = await variable.data<'float32'>();
    checkStorable(name, numbers, dtype);
    yield narrow(ownNumbers(numbers), dtype);
  }
}

/** Errors: ModelFormatError unless all numbers of a weight are finite, also as `dtype`. */
export function checkStorable(name: string, numbers: Float32Array, dtype: WeightDType): void {
  if (!numbers.every(Number.isFinite)) throw notFinite(name);
  const beyond = firstBeyond(numbers, dtype);
  if (beyond !== undefined)
    throw new ModelFormatError(`${name} holds ${beyond}, which ${dtype} cannot; store the model as float32`);
}

/** Bytes of float32, of which digests are made. */
export const bytesIn = ({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => new Uint8Array(buffer, byteOffset, byteLength);

export function notFinite(name: string): ModelFormatError {
  return new ModelFormatError(`${name} holds numbers that are not finite`);
}

/** Deals out a stream of pieces as files of given sizes. */
export class Shards {
  private rest = new Uint8Array(0);
  constructor(private readonly pieces: AsyncIterator<Uint8Array<ArrayBuffer>>) {}

  /** The next `bytes` bytes. Must be read to its end before the next is begun. */
  async *next(bytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    for (let left = bytes; left > 0; ) {
      if (this.rest.length === 0) {
        const {done, value} = await this.pieces.next();
        if (done === true) return;
        this.rest = value;
      }
      const piece = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}

/** Sizes of the shards of so many bytes. */
export function shardSizes(bytes: number, most = SHARD_BYTES): number[] {
  return Array.from({length: Math.max(1, Math.ceil(bytes / most))}, (_, i) =>
    Math.min(most, bytes - i * most),
  );
}

export function shardName(index: number, count: number): string {
  const digits = (value: number): string => String(value).padStart(5, '0');
  return `weights-${digits(index + 1)}-of-${digits(count)}.bin`;
}

/**
 * The digest of weights as one safetensors file of float32, before the first of their bytes: equal weights have equal
 * digests, however they are stored and cut.
 */
export function startWeightsDigest(weights: readonly WeightEntry[]): Sha256 {
  const hash = startSha256();
  hash.add(encodeHeader(weights.map(({name, shape}) => ({name, shape, dtype: 'F32'}))));
  return hash;
}

/** The digest of a model's weights, as its card has it: what a saved state of generation is held against. */
export async function weightsDigest({model}: {readonly model: tfl.LayersModel}): Promise<string> {
  const weights = heldWeights(model);
  const hash = startWeightsDigest(weights);
  for (const weight of weights) {
    const numbers = await weight.numbers();
    checkStorable(weight.name, numbers, 'float32');
    hash.add(bytesIn(ownNumbers(numbers)));
  }
  return hash.hex();
}
