// The same from tf operations, which know no bits: exponents by comparison with powers of two, words by whole multiples.

import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  cast,
  concat,
  floor,
  greaterEqual,
  less,
  log,
  maximum,
  minimum,
  mul,
  reshape,
  scalar,
  slice,
  sub,
  unstack,
  where,
  zeros,
} from '@tensorflow/tfjs-core';
import {halfFormats, numbersOfWords, powersOfTwo} from '../half-words.js';
import type {Dims, NamedTensors} from '../op.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';

/** The largest number of each format. */
const largest = {float16: 65504, bfloat16: 3.3895313892515355e38} as const;

/** Codes of 15 bits and a sign, as whole numbers in [0, 65535]. */
function codes(x: Tensor, format: NarrowAttributes['format']): Tensor {
  const {fraction, bias, least, exponents} = halfFormats[format];
  const magnitude = minimum(abs(x), scalar(largest[format]));
  const guess = floor(mul(log(maximum(magnitude, scalar(2 ** least))), scalar(1 / Math.LN2)));
  const most = least + exponents - 2;
  const near = minimum(maximum(guess, scalar(least)), scalar(most));
  const power = powersOfTwo(near, least, exponents - 1);
  // The logarithm may be one off beside a power of two.
  const isBelow = cast(less(magnitude, power), 'float32');
  const isAbove = cast(greaterEqual(mul(magnitude, scalar(0.5)), power), 'float32');
  const exponent = maximum(add(sub(near, isBelow), isAbove), scalar(least));
  // In two steps, of which neither overflows.
  const scaled = mul(
    mul(magnitude, powersOfTwo(mul(exponent, scalar(-1)), -most, exponents - 1)),
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

export function widen({words}: NamedTensors, {format, columns}: WidenAttributes, {D}: Dims): NamedTensors {
  return {y: slice(numbersOfWords(words, format), [0, 0], [D, columns])};
}
