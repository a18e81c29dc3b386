// WGSL functions that keep float32 accuracy where the obvious formula, or a GPU's approximate log, would lose it.

/** softplus(x) = log(1 + e^x), by the series of 2 atanh: relative error below 1e-6 also where it is tiny. */
export const softplus = `
fn softplus(x: f32) -> f32 {
  let y = exp(-abs(x));
  let z = y / (2.0 + y);
  let s = z * z;
  let series = 1.0 + s * (1.0 / 3.0 + s * (0.2 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s / 13.0)))));
  return max(x, 0.0) + 2.0 * z * series;
}`;

/** The logistic function without overflow, of numbers or of each component of vectors. */
export const sigmoidOf = (type: 'f32' | 'vec4f'): string => `
fn sigmoid(x: ${type}) -> ${type} {
  let y = exp(-abs(x));
  return select(y, ${type}(1.0), x >= ${type}(0.0)) / (1.0 + y);
}`;
export const sigmoid = sigmoidOf('f32');

/**
 * The root of the logistic function, for products with it: where x is below -87 the function itself is below the least
 * float, though what it multiplies may be large.
 */
export const rootSigmoid = `
fn rootSigmoid(x: f32) -> f32 {
  let y = exp(-0.5 * abs(x));
  return select(y, 1.0, x >= 0.0) * inverseSqrt(1.0 + y * y);
}`;

/**
 * NaN by its bits: WGSL lets a device take no number for NaN, so that maxima, sums and logarithms may lose it. Made of a
 * value that is known at run time alone, since compilers refuse constants that are none.
 */
export const nanByBits = `
fn isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn nanUnless(is_number: bool, x: f32) -> f32 {
  return bitcast<f32>(select(0x7fc00000u, bitcast<u32>(x), is_number));
}`;
