// Numbers of 16 bits, two in a word, the earlier one in its lower bits: the definition. Ties go to the even number; what is
// finite stays finite.

import type {HostCall} from '../op.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

const INFINITY = 0x7f800000;
/** The largest finite numbers, as float32. */
const largest = {float16: 0x477fe000, bfloat16: 0x7f7f0000} as const;

function halfOf(value: number, format: NarrowAttributes['format']): number {
  single[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = bits[0] & 0x7fffffff;
  const staysFinite = magnitude < INFINITY;
  const clamped = staysFinite ? Math.min(magnitude, largest[format]) : magnitude;
  if (format === 'bfloat16') {
    if (!staysFinite) return sign | (magnitude > INFINITY ? 0x7fc0 : 0x7f80);
    return sign | ((clamped + 0x7fff + ((clamped >>> 16) & 1)) >>> 16);
  }
  if (!staysFinite) return sign | (magnitude > INFINITY ? 0x7e00 : 0x7c00);
  if (clamped >= 0x38800000) return sign | ((clamped - 0x38000000 + 0xfff + ((clamped >>> 13) & 1)) >>> 13);
  // Subnormal: adding 0.5 leaves multiples of 2^-24 in the fraction, rounded by the addition itself.
  bits[0] = magnitude;
  single[0] += 0.5;
  return sign | (bits[0] - 0x3f000000);
}

function numberOf(half: number, format: NarrowAttributes['format']): number {
  if (format === 'bfloat16') bits[0] = half << 16;
  else {
    const exponent = (half >>> 10) & 31;
    if (exponent === 0) return (half & 0x8000 ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
    const rebased = exponent === 31 ? 255 : exponent + 112;
    bits[0] = ((half & 0x8000) << 16) | (rebased << 23) | ((half & 0x3ff) << 13);
  }
  return single[0];
}

export function narrow({inputs: {x}, outputs: {words}, attrs: {format}}: HostCall<NarrowAttributes>): void {
  const at = (index: number): number => (index < x.length ? halfOf(x[index], format) : 0);
  for (let i = 0; i < words.length; i++) words[i] = at(2 * i) | (at(2 * i + 1) << 16);
}

export function widen({
  inputs: {words},
  outputs: {y},
  dims: {D, W, E},
  attrs: {format},
}: HostCall<WidenAttributes>): void {
  for (let row = 0; row < D; row++)
    for (let i = 0; i < E; i++) {
      const half = (words[row * W + (i >> 1)] >>> (16 * (i & 1))) & 0xffff;
      y[row * E + i] = numberOf(half, format);
    }
}
