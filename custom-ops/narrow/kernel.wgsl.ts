// narrow and widen on the GPU, by whole numbers throughout: what packs numbers in WGSL may flush subnormal ones, and says
// nothing of those beyond the largest.

import {elementwisePass} from '../wgsl/elementwise.js';
import type {GpuKernel} from '../wgsl/plan.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';

const halves = {
  float16: `
fn halfOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  let clamped = min(magnitude, 0x477fe000u);
  let normal = (clamped - 0x38000000u + 0xfffu + ((clamped >> 13u) & 1u)) >> 13u;
  let subnormal = bitcast<u32>(bitcast<f32>(min(clamped, 0x38800000u)) + 0.5) - 0x3f000000u;
  var half = select(normal, subnormal, clamped < 0x38800000u);
  half = select(half, 0x7c00u, magnitude == 0x7f800000u);
  half = select(half, 0x7e00u, magnitude > 0x7f800000u);
  return half | ((bits >> 16u) & 0x8000u);
}
fn bitsOf(half: u32) -> u32 {
  let exponent = half & 0x7c00u;
  let normal = ((half & 0x7fffu) << 13u) + select(0x38000000u, 0x70000000u, exponent == 0x7c00u);
  let subnormal = bitcast<u32>(f32(half & 0x3ffu) * 5.9604644775390625e-8);
  return select(normal, subnormal, exponent == 0u) | ((half & 0x8000u) << 16u);
}`,
  bfloat16: `
fn halfOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  let clamped = min(magnitude, 0x7f7f0000u);
  var half = (clamped + 0x7fffu + ((clamped >> 16u) & 1u)) >> 16u;
  half = select(half, 0x7f80u, magnitude == 0x7f800000u);
  half = select(half, 0x7fc0u, magnitude > 0x7f800000u);
  return half | ((bits >> 16u) & 0x8000u);
}
fn bitsOf(half: u32) -> u32 { return half << 16u; }`,
} as const;

export const narrowGpu: GpuKernel<NarrowAttributes> = {
  forward: ({dims: {W, '*': count}, attrs: {format}, limits}) => ({
    passes: [
      elementwisePass(
        {
          name: 'narrow',
          read: {x: 'u32'},
          write: {words: 'u32'},
          count: W,
          declarations: halves[format],
          body:
            count === 2 * W
              ? 'words[index] = halfOf(x[2u * index]) | (halfOf(x[2u * index + 1u]) << 16u);'
              : `
  let isWhole = 2u * index + 1u < ${count}u;
  let upper = select(0u, halfOf(x[min(2u * index + 1u, ${count - 1}u)]), isWhole);
  words[index] = halfOf(x[2u * index]) | (upper << 16u);`,
        },
        limits,
      ),
    ],
  }),
};

export const widenGpu: GpuKernel<WidenAttributes> = {
  forward: ({dims: {D, W, E}, attrs: {format}, limits}) => ({
    passes: [
      elementwisePass(
        {
          name: 'widen',
          read: {words: 'u32'},
          write: {y: 'u32'},
          count: D * W,
          declarations: halves[format],
          // Rows of an even number are as one.
          body:
            E === 2 * W
              ? `
  let word = words[index];
  y[2u * index] = bitsOf(word & 0xffffu);
  y[2u * index + 1u] = bitsOf(word >> 16u);`
              : `
  let word = words[index];
  let column = 2u * (index % ${W}u);
  let at = (index / ${W}u) * ${E}u + column;
  y[at] = bitsOf(word & 0xffffu);
  if (column + 1u < ${E}u) { y[at + 1u] = bitsOf(word >> 16u); }`,
        },
        limits,
      ),
    ],
  }),
};
