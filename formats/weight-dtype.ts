// How the numbers of weights lie in files: as they are computed, or rounded to half of the bytes.

import {LARGEST_HALF, toHalves, widenHalves} from './half.js';
import type {DType} from './safetensors-header.js';

/** Formats in which files hold weights; whatever they hold, models compute from float32. */
export const weightDTypes = ['float32', 'float16', 'bfloat16'] as const;

/** One of {@link weightDTypes}. */
export type WeightDType = (typeof weightDTypes)[number];

/** Bytes of a number. */
export const weightWidths: Readonly<Record<WeightDType, number>> = {float32: 4, float16: 2, bfloat16: 2};

/** Their names in safetensors files. */
export const safetensorsDTypes: Readonly<Record<WeightDType, DType>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
};

/** The largest magnitudes that round to finite numbers. */
const largest: Readonly<Record<WeightDType, number>> = {
  float32: Number.MAX_VALUE,
  float16: LARGEST_HALF,
  bfloat16: new Float32Array(Uint32Array.of(0x7f7f7fff).buffer)[0],
};

/** The first number that a format has no finite place for; undefined where all have one. NaN is refused elsewhere. */
export function firstBeyond(numbers: Float32Array, dtype: WeightDType): number | undefined {
  return numbers.find(value => Math.abs(value) > largest[dtype]);
}

/** The bytes of finite numbers in a format: the nearest there is, ties to even. Those of float32 stay where they are. */
export function narrow(numbers: Float32Array<ArrayBuffer>, dtype: WeightDType): Uint8Array<ArrayBuffer> {
  const {buffer, byteOffset, byteLength, length} = numbers;
  if (dtype === 'float32') return new Uint8Array(buffer, byteOffset, byteLength);
  const halves = new Uint16Array(length);
  if (dtype === 'float16') toHalves(numbers, halves, 0);
  else {
    const bits = new Uint32Array(buffer, byteOffset, length);
    // A carry into the exponent is right, as for halves.
    for (let i = 0; i < length; i++) halves[i] = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/** The float32 numbers of bytes in a format, which must begin at a whole number. Those of float32 stay where they are. */
export function widen(
  {buffer, byteOffset, byteLength}: Uint8Array<ArrayBuffer>,
  dtype: WeightDType,
): Float32Array<ArrayBuffer> {
  if (dtype === 'float32') return new Float32Array(buffer, byteOffset, byteLength / 4);
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === 'float16') return widenHalves(halves);
  const numbers = new Float32Array(halves.length);
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return numbers;
}

/** Those of {@link weightDTypes} in which two numbers are a word. */
export type HalfDType = Exclude<WeightDType, 'float32'>;

/** Int32 words that hold a row of halves. */
export const wordsOfRow = (columns: number): number => Math.ceil(columns / 2);

/**
 * Halves, row after row of `columns`, as words of two, the earlier in the lower bits; each row begins at a word. Those of rows
 * of an even number stay where they are, at a multiple of four bytes.
 */
export function wordsOfHalves(halves: Uint16Array<ArrayBuffer>, columns: number): Int32Array<ArrayBuffer> {
  const {buffer, byteOffset, length} = halves;
  if (columns % 2 === 0 && byteOffset % 4 === 0) return new Int32Array(buffer, byteOffset, length / 2);
  const rows = length / columns;
  const width = 2 * wordsOfRow(columns);
  const padded = new Uint16Array(rows * width);
  for (let row = 0; row < rows; row++)
    padded.set(halves.subarray(row * columns, (row + 1) * columns), row * width);
  return new Int32Array(padded.buffer);
}
