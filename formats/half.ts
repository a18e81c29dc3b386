// IEEE 754 binary16 in arrays of uint16, since no engine that this runs on need have arrays of halves.

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The largest magnitude that rounds to a finite half. */
export const LARGEST_HALF = 65519.99609375;

/** The half nearest to a float32 number, ties to even; its magnitude is at most {@link LARGEST_HALF}. */
export function toHalf(value: number): number {
  single[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = bits[0] & 0x7fffffff;
  if (magnitude >= 0x38800000) {
    // Normal: round the fraction's last 13 bits away; a carry into the exponent is right.
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  // Subnormal: adding 0.5 leaves multiples of 2^-24 in the fraction, rounded by the addition itself.
  bits[0] = magnitude;
  single[0] = Math.fround(single[0] + 0.5);
  return sign | (bits[0] - 0x3f000000);
}

export function toHalves(values: Float32Array, into: Uint16Array, at: number): void {
  for (let i = 0; i < values.length; i++) into[at + i] = toHalf(values[i]);
}

/** 2^112: what {@link shiftHalves} leaves to be multiplied. */
export const HALF_SCALE = 2 ** 112;

/**
 * Halves as float32 numbers that are 2^-112 of them: sign and exponent move to their places and nothing is looked up.
 * Exact, since no stored half is infinite or NaN.
 */
export function shiftHalves(halves: Uint16Array, from: number, count: number, into: Uint32Array): void {
  for (let i = 0; i < count; i++) {
    const half = halves[from + i];
    into[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
  }
}

/** Halves as the float32 numbers that they are. */
export function fromHalves(
  halves: Uint16Array,
  from: number,
  count: number,
  into: Float32Array,
  at: number,
): void {
  const view = new Uint32Array(into.buffer, into.byteOffset + 4 * at, count);
  shiftHalves(halves, from, count, view);
  for (let i = 0; i < count; i++) into[at + i] *= HALF_SCALE;
}

/** Halves as the float32 numbers that they are, infinities and NaN included. */
export function widenHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(halves.length);
  fromHalves(halves, 0, halves.length, numbers, 0);
  // Beyond the largest half lie the codes of infinity and NaN alone.
  for (let i = 0; i < numbers.length; i++) {
    if (Math.abs(numbers[i]) >= 65536)
      numbers[i] = (halves[i] & 1023) === 0 ? numbers[i] * Infinity : Number.NaN;
  }
  return numbers;
}
