// The same mathematics from tf operations, which know no bits: words are cut by whole divisions, and powers of two looked up.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  equal,
  floor,
  floorDiv,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  matMul,
  mul,
  reshape,
  scalar,
  slice,
  stack,
  sub,
  tensor1d,
  where,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {HalfAttributes} from './attributes.js';

/** Bits of the fraction, and what the exponent of 1 is. */
const formats = {
  float16: {fraction: 10, bias: 15, exponents: 32},
  bfloat16: {fraction: 7, bias: 127, exponents: 256},
} as const;

/** The numbers of halves given as whole numbers in [0, 65535]. */
function numbersOf(halves: Tensor, format: HalfAttributes['format']): Tensor {
  const {fraction, bias, exponents} = formats[format];
  const unit = 2 ** fraction;
  const isNegative = cast(greaterEqual(halves, scalar(32768)), 'float32');
  const magnitude = sub(halves, mul(isNegative, scalar(32768)));
  const exponent = floor(mul(magnitude, scalar(1 / unit)));
  const rest = sub(magnitude, mul(exponent, scalar(unit)));
  const powers = Array.from({length: exponents}, (_, e) => 2 ** (Math.max(e, 1) - bias - fraction));
  const power = gather(tensor1d(powers), cast(exponent, 'int32'));
  const significand = where(equal(exponent, scalar(0)), rest, add(rest, scalar(unit)));
  return mul(mul(significand, power), sub(scalar(1), mul(scalar(2), isNegative)));
}

/** Words [R, W] as numbers [R, columns]. */
function unpacked(words: Tensor, {format, columns}: HalfAttributes): Tensor {
  const [rows, width] = words.shape;
  const unit = scalar(65536, 'int32');
  const upper = floorDiv(words, unit);
  const lower = cast(sub(words, mul(upper, unit)), 'float32');
  const signed = cast(upper, 'float32');
  const whole = where(less(signed, scalar(0)), add(signed, scalar(65536)), signed);
  const halves = reshape(stack([lower, whole], 2), [rows, 2 * width]);
  return slice(numbersOf(halves, format), [0, 0], [rows, columns]);
}

function product(
  {x, weight, bias}: NamedTensors,
  attrs: HalfAttributes,
  {B, L, D, E}: Dims,
  isTransposed: boolean,
): NamedTensors {
  const y = matMul(reshape(x, [B * L, D]), unpacked(weight, attrs), false, isTransposed);
  return {y: reshape(bias === undefined ? y : add(y, bias), [B, L, E])};
}

export function linearHalf(inputs: NamedTensors, attrs: HalfAttributes, dims: Dims): NamedTensors {
  return product(inputs, attrs, dims, false);
}

export function linearTransposedHalf(inputs: NamedTensors, attrs: HalfAttributes, dims: Dims): NamedTensors {
  return product(inputs, attrs, dims, true);
}

export function unpackHalf({weight}: NamedTensors, attrs: HalfAttributes): NamedTensors {
  return {y: unpacked(weight, attrs)};
}

/** An id outside the table gets NaN. */
export function embeddingLookupHalf(
  {table, ids}: NamedTensors,
  attrs: HalfAttributes,
  {B, L, V, D}: Dims,
): NamedTensors {
  const flat = reshape(ids, [B * L]);
  const isKnown = logicalAnd(greaterEqual(flat, scalar(0, 'int32')), less(flat, scalar(V, 'int32')));
  const rows = unpacked(gather(table, where(isKnown, flat, scalar(0, 'int32'))), attrs);
  const poison = where(isKnown, scalar(0), scalar(Number.NaN));
  return {y: reshape(add(rows, reshape(poison, [B * L, 1])), [B, L, D])};
}
