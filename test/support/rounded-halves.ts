// Numbers rounded to float16 as products in it round their factors.

import {LARGEST_HALF, toHalf} from '../../formats/half.js';

/** The nearest number of float16, ties to even; infinite beyond the range, NaN where it is given. */
export function roundedHalf(value: number): number {
  if (Number.isNaN(value)) return value;
  if (Math.abs(value) > LARGEST_HALF) return Math.sign(value) * Number.POSITIVE_INFINITY;
  const bits = toHalf(value);
  const [sign, exponent, digits] = [bits >= 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? digits * 2 ** -24 : (1024 + digits) * 2 ** (exponent - 25));
}

export const roundedHalves = (values: Float32Array): Float32Array => values.map(roundedHalf);
