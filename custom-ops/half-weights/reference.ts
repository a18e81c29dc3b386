// Halves become numbers, and products and rows of these, in plain loops: the definition.

import type {HostArray, HostCall} from '../op.js';
import type {HalfAttributes} from './attributes.js';
import {wordsOf} from './attributes.js';

/** The number of 16 bits in IEEE 754 binary16. */
function binary16(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function upperHalf(half: number): number {
  bits[0] = half << 16;
  return float[0];
}

/** The `index`-th number of a row of words, of which the lower bits hold the earlier one. */
function numberOf(words: HostArray, row: number, index: number, {format, columns}: HalfAttributes): number {
  const word = words[row * wordsOf(columns) + (index >> 1)];
  const half = (word >>> (16 * (index & 1))) & 0xffff;
  return format === 'float16' ? binary16(half) : upperHalf(half);
}

function product(
  {inputs: {x, bias}, outputs: {y}, dims: {B, L, D, E}}: HostCall<HalfAttributes>,
  weightAt: (d: number, e: number) => number,
): void {
  for (let row = 0; row < B * L; row++)
    for (let e = 0; e < E; e++) {
      let total = bias === undefined ? 0 : bias[e];
      for (let d = 0; d < D; d++) total += x[row * D + d] * weightAt(d, e);
      y[row * E + e] = total;
    }
}

export function linearHalf(call: HostCall<HalfAttributes>): void {
  product(call, (d, e) => numberOf(call.inputs.weight, d, e, call.attrs));
}

export function linearTransposedHalf(call: HostCall<HalfAttributes>): void {
  product(call, (d, e) => numberOf(call.inputs.weight, e, d, call.attrs));
}

export function embeddingLookupHalf({
  inputs: {table, ids},
  outputs: {y},
  dims: {B, L, D},
  attrs,
}: HostCall<HalfAttributes>): void {
  for (let token = 0; token < B * L; token++)
    for (let d = 0; d < D; d++) y[token * D + d] = numberOf(table, ids[token], d, attrs);
}
