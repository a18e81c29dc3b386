// The same from tf operations, which know no bits: exponents by comparison with powers of two, words by whole multiples.

import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  cast,
  concat,
  floor,
  floorDiv,
  gather,
  greaterEqual,
  less,
  log,
  maximum,
  minimum,
  mul,
  reshape,
  scalar,
  slice,
  stack,
  sub,
  tensor1d,
  unstack,
  where,
  zeros,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';

/** Bits of the fraction, what the exponent of 1 is, that of the least normal number, and the largest number. */
const formats = {
  float16: {fraction: 10, bias: 15, least: -14, exponents: 31, largest: 65504},
  bfloat16: {fraction: 7, bias: 127, least: -126, exponents: 255, largest: 3.3895313892515355e38},
} as const;

/** 2^exponent of whole exponents from `least` on, so many of them. */
function powers(exponents: Tensor, least: number, count: number): Tensor {
  const table = tensor1d(Array.from({length: count}, (_, i) => 2 ** (i + least)));
  return gather(table, cast(sub(exponents, scalar(least)), 'int32'));
}

/** Codes of 15 bits and a sign, as whole numbers in [0, 65535]. */
function codes(x: Tensor, format: NarrowAttributes['format']): Tensor {
  const {fraction, bias, least, exponents, largest} = formats[format];
  const magnitude = minimum(abs(x), scalar(largest));
  const guess = floor(mul(log(maximum(magnitude, scalar(2 ** least))), scalar(1 / Math.LN2)));
  const most = least + exponents - 2;
  const near = minimum(maximum(guess, scalar(least)), scalar(most));
  const power = powers(near, least, exponents - 1);
  // The logarithm may be one off beside a power of two.
  const isBelow = cast(less(magnitude, power), 'float32');
  const isAbove = cast(greaterEqual(mul(magnitude, scalar(0.5)), power), 'float32');
  const exponent = maximum(add(sub(near, isBelow), isAbove), scalar(least));
  // In two steps, of which neither overflows.
  const scaled = mul(
    mul(magnitude, powers(mul(exponent, scalar(-1)), -most, exponents - 1)),
    scalar(2 ** fraction),
  );
  const rounded = sub(add(scaled, scalar(2 ** 23)), scalar(2 ** 23));
  const code = add(mul(add(exponent, scalar(bias - 1)), scalar(2 ** fraction)), rounded);
  return add(code, mul(cast(less(x, scalar(0)), 'float32'), scalar(32768)));
}

export function narrow({x}: NamedTensors, {format}: NarrowAttributes, {W, '*': count}: Dims): NamedTensors {
  const flat = reshape(codes(x, format), [count]) as Tensor1D;
  const padded = count === 2 * W ? flat : concat([flat, zeros([1])]);
  const [lower, upper] = unstack(reshape(padded, [W, 2]), 1);
  const signed = where(less(upper, scalar(32768)), upper, sub(upper, scalar(65536)));
  return {words: add(cast(lower, 'int32'), mul(cast(signed, 'int32'), scalar(65536, 'int32')))};
}

export function widen({words}: NamedTensors, {format, count}: WidenAttributes, {W}: Dims): NamedTensors {
  const {fraction, bias, least, exponents} = formats[format];
  const unit = scalar(65536, 'int32');
  const upper = floorDiv(words, unit);
  const lower = cast(sub(words, mul(upper, unit)), 'float32');
  const signed = cast(upper, 'float32');
  const whole = where(less(signed, scalar(0)), add(signed, scalar(65536)), signed);
  const halves = slice(reshape(stack([lower, whole], 1), [2 * W]), 0, count);
  const isNegative = cast(greaterEqual(halves, scalar(32768)), 'float32');
  const magnitude = sub(halves, mul(isNegative, scalar(32768)));
  const exponent = floor(mul(magnitude, scalar(2 ** -fraction)));
  const rest = mul(sub(magnitude, mul(exponent, scalar(2 ** fraction))), scalar(2 ** -fraction));
  const isNormal = cast(greaterEqual(exponent, scalar(1)), 'float32');
  const power = powers(sub(maximum(exponent, scalar(1)), scalar(bias)), least, exponents);
  return {y: mul(mul(add(rest, isNormal), power), sub(scalar(1), mul(scalar(2), isNegative)))};
}
