// Numbers rounded to float16 on devices that multiply in float32, to the nearest and ties to even as matrix units do it. By
// integers: WGSL leaves it to the device how pack2x16float rounds, and what it makes of numbers that float16 does not hold.

/** Bits of 2^-14, the least number with all digits of float16, and of 65520, from which on numbers round to infinity. */
const LEAST = 0x38800000;
const BEYOND = 0x477ff000;

/**
 * WGSL of a function of numbers, or of each component of vectors: infinite beyond the range, multiples of 2^-24 at its other
 * end, NaN where it is given. Nearly all numbers take the short way.
 */
function rounding(name: string, type: 'f32' | 'vec4f'): string {
  const word = type === 'f32' ? 'u32' : 'vec4u';
  const largest = type === 'f32' ? 'apart' : 'max(max(apart.x, apart.y), max(apart.z, apart.w))';
  return `
fn ${name}(value: ${type}) -> ${type} {
  let bits = bitcast<${word}>(value);
  let magnitude = bits & ${word}(0x7fffffffu);
  // Smaller numbers wrap around.
  let apart = magnitude - ${word}(${LEAST}u);
  var rounded = (bits + ${word}(0xfffu) + ((bits >> ${word}(13u)) & ${word}(1u))) & ${word}(0xffffe000u);
  if (${largest} >= ${BEYOND - LEAST}u) {
    let small = bitcast<${word}>(round(value * ${2 ** 24}.0) * ${2 ** -24});
    rounded = select(rounded, small, magnitude < ${word}(${LEAST}u));
    rounded = select(rounded, (bits & ${word}(0x80000000u)) | ${word}(0x7f800000u), magnitude >= ${word}(${BEYOND}u));
    rounded = select(rounded, bits, magnitude > ${word}(0x7f800000u));
  }
  return bitcast<${type}>(rounded);
}`;
}

/** WGSL of `roundedToHalf(vec4f)`. */
export const roundedToHalf = rounding('roundedToHalf', 'vec4f');

/** WGSL of `numberToHalf(f32)`. */
export const numberToHalf = rounding('numberToHalf', 'f32');

/** WGSL of `packedHalves(vec4f) -> vec2u`, rounded, two numbers in a word; and of `unpackedHalves`, its inverse. */
export const packedHalves = `
${roundedToHalf}
fn packedHalves(value: vec4f) -> vec2u {
  let rounded = roundedToHalf(value);
  let bits = bitcast<vec4u>(rounded);
  let magnitude = bits & vec4u(0x7fffffffu);
  if (max(max(magnitude.x, magnitude.y), max(magnitude.z, magnitude.w)) < 0x7f800000u) {
    return vec2u(pack2x16float(rounded.xy), pack2x16float(rounded.zw));
  }
  // Packing promises nothing of infinity and NaN, nor of what it packs with them.
  let finite = select(rounded, vec4f(), magnitude >= vec4u(0x7f800000u));
  let words = vec2u(pack2x16float(finite.xy), pack2x16float(finite.zw));
  let held = vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u);
  let endless = ((bits >> vec4u(16u)) & vec4u(0x8000u)) |
    select(vec4u(0x7c00u), vec4u(0x7e00u), magnitude > vec4u(0x7f800000u));
  let all = select(held, endless, magnitude >= vec4u(0x7f800000u));
  return vec2u(all.x | (all.y << 16u), all.z | (all.w << 16u));
}
fn unpackedHalves(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`;
