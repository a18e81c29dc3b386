// The safetensors format in memory: eight bytes of header length, a JSON header, then the tensors' bytes without gaps.

import type {DType, TensorPlace} from './safetensors-header.js';
import {
  dataOffset,
  decodeHeader,
  encodeHeader,
  fail,
  LENGTH_BYTES,
  SafetensorsError,
  sizeOf,
} from './safetensors-header.js';
import {safetensorsDTypes, weightDTypes, widen} from './weight-dtype.js';

export {SafetensorsError} from './safetensors-header.js';

/** Numbers of a tensor in memory: float32, float64 or int32. */
export type SafetensorsData = Float32Array | Float64Array | Int32Array;

/** A tensor as plain numbers: its name, its shape, and its elements in row-major order. */
export interface NamedTensorData {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: SafetensorsData;
}

/** What a safetensors file holds: tensors in the order of their bytes, and words by name. */
export interface SafetensorsFile {
  readonly tensors: readonly NamedTensorData[];
  readonly metadata: ReadonlyMap<string, string>;
}

function dtypeOf(data: SafetensorsData): DType {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Float64Array ? 'F64' : 'I32';
}

/**
 * Bytes of a safetensors file with the tensors in the order given.
 * Errors: SafetensorsError for a repeated name or a shape that does not hold the data.
 */
export function encodeSafetensors(
  tensors: readonly NamedTensorData[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  for (const {name, shape, data} of tensors)
    if (sizeOf(shape) !== data.length)
      throw new SafetensorsError(
        `encodeSafetensors: ${name} of shape [${shape.join(', ')}] has ${data.length} numbers`,
      );
  const header = encodeHeader(
    tensors.map(({name, shape, data}) => ({name, shape, dtype: dtypeOf(data)})),
    metadata,
  );
  const bytes = new Uint8Array(tensors.reduce((sum, {data}) => sum + data.byteLength, header.length));
  bytes.set(header);
  let at = header.length;
  for (const {data} of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Options of {@link decodeSafetensors}, all of which may be left out. */
export interface DecodeOptions {
  /** Accept NaN and infinite numbers. Default false: weights never hold them. */
  readonly allowNonFinite?: boolean;
}

/**
 * Reads a safetensors file. F16 and BF16 become float32; the order is that of the data.
 * Errors: SafetensorsError when it is truncated, has trailing bytes, gaps or overlaps, a wrong dtype, shape or offset, a
 * repeated or reserved name, or numbers that are not finite.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  {allowNonFinite = false}: DecodeOptions = {},
): SafetensorsFile {
  const start = dataOffset(bytes.subarray(0, LENGTH_BYTES), bytes.length);
  const {places, metadata} = decodeHeader(bytes.subarray(LENGTH_BYTES, start), bytes.length - start);
  const tensors = places.map(place => ({
    name: place.name,
    shape: place.shape,
    // A copy, so that numbers are aligned; Buffer's own `slice` would not copy.
    data: decodeNumbers(new Uint8Array(bytes.subarray(start + place.begin, start + place.end)), place, {
      allowNonFinite,
    }),
  }));
  return {tensors, metadata};
}

/** The numbers of a tensor's own bytes, which become theirs. Errors: SafetensorsError for those that are not finite. */
export function decodeNumbers(
  own: Uint8Array<ArrayBuffer>,
  {name, dtype}: Pick<TensorPlace, 'name' | 'dtype'>,
  {allowNonFinite = false}: DecodeOptions = {},
): SafetensorsData {
  const data = readNumbers(own, dtype);
  if (!allowNonFinite && !(data instanceof Int32Array) && !data.every(Number.isFinite))
    fail(`${name} holds numbers that are not finite`);
  return data;
}

/**
 * As float32, which all models compute in.
 * Errors: SafetensorsError for integers, and for float64 numbers that float32 has no place for.
 */
export function asFloat32({name, data}: NamedTensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Int32Array) return fail(`${name} must be of float numbers, got int32`);
  const single = Float32Array.from(data);
  const bad = single.findIndex((value, i) => Number.isFinite(data[i]) && !Number.isFinite(value));
  if (bad >= 0) fail(`${name} holds ${data[bad]}, which float32 cannot`);
  return single;
}

function readNumbers(own: Uint8Array<ArrayBuffer>, dtype: DType): SafetensorsData {
  const float = weightDTypes.find(one => safetensorsDTypes[one] === dtype);
  if (float !== undefined) return widen(own, float);
  return dtype === 'F64' ? new Float64Array(own.buffer) : new Int32Array(own.buffer);
}
