// Words of two 16-bit numbers as tf operations read them, which know no bits: words are cut by whole divisions, and powers of two
// looked up.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  floor,
  floorDiv,
  gather,
  greaterEqual,
  less,
  maximum,
  mul,
  reshape,
  scalar,
  stack,
  sub,
  tensor1d,
  where,
} from '@tensorflow/tfjs-core';

/** Bits of the fraction, what the exponent of 1 is, that of the least normal number, and how many exponents there are. */
export const halfFormats = {
  float16: {fraction: 10, bias: 15, least: -14, exponents: 31},
  bfloat16: {fraction: 7, bias: 127, least: -126, exponents: 255},
} as const;

/** 2^exponent of whole exponents from `least` on, `count` of them; as `exponents`. */
export function powersOfTwo(exponents: Tensor, least: number, count: number): Tensor {
  const table = tensor1d(Array.from({length: count}, (_, i) => 2 ** (i + least)));
  return gather(table, cast(sub(exponents, scalar(least)), 'int32'));
}

/** Words int32 [..., W] as numbers [..., 2 W], the lower half of a word first. Exact for every finite number. */
export function numbersOfWords(words: Tensor, format: keyof typeof halfFormats): Tensor {
  const {fraction, bias, least, exponents} = halfFormats[format];
  const unit = scalar(65536, 'int32');
  const upper = floorDiv(words, unit);
  const lower = cast(sub(words, mul(upper, unit)), 'float32');
  const signed = cast(upper, 'float32');
  const whole = where(less(signed, scalar(0)), add(signed, scalar(65536)), signed);
  const outer = words.shape.slice(0, -1);
  const halves = reshape(stack([lower, whole], words.rank), [...outer, 2 * words.shape[outer.length]]);
  const isNegative = cast(greaterEqual(halves, scalar(32768)), 'float32');
  const magnitude = sub(halves, mul(isNegative, scalar(32768)));
  const exponent = floor(mul(magnitude, scalar(2 ** -fraction)));
  const rest = mul(sub(magnitude, mul(exponent, scalar(2 ** fraction))), scalar(2 ** -fraction));
  const isNormal = cast(greaterEqual(exponent, scalar(1)), 'float32');
  const power = powersOfTwo(sub(maximum(exponent, scalar(1)), scalar(bias)), least, exponents);
  return mul(mul(add(rest, isNormal), power), sub(scalar(1), mul(scalar(2), isNegative)));
}
