// Products and rows of halves on the GPU: words are widened in registers, so that a weight costs half of the bytes.

import {elementwisePass} from '../wgsl/elementwise.js';
import {fewRowsPass} from '../wgsl/few-rows.js';
import {widened} from '../wgsl/half-rows.js';
import {lookupPass} from '../wgsl/lookup.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import type {HalfAttributes} from './attributes.js';

type HalfRequest = PlanRequest<HalfAttributes>;

function productWith(transposed: boolean) {
  return ({dims: {B, L, D, E}, attrs: {format}, present, limits}: HalfRequest): Plan => {
    const product = {
      name: 'linear of halves',
      a: {name: 'x'},
      b: {name: 'weight', transposed, format},
      out: 'y',
      bias: present.has('bias') ? 'bias' : undefined,
      rows: B * L,
      columns: E,
      inner: D,
    };
    return {passes: [fewRowsPass(product, limits)]};
  };
}

export const linearHalfGpu: GpuKernel<HalfAttributes> = {forward: productWith(false)};
export const linearTransposedHalfGpu: GpuKernel<HalfAttributes> = {forward: productWith(true)};

export const unpackHalfGpu: GpuKernel<HalfAttributes> = {
  forward: ({dims: {D, E, W}, attrs: {format}, limits}) => ({
    passes: [
      elementwisePass(
        {
          name: 'unpackHalf',
          read: {weight: 'u32'},
          write: {y: 'f32'},
          count: D * W,
          body: `
  let numbers = ${widened('weight[index]', format)};
  let at = (index / ${W}u) * ${E}u + 2u * (index % ${W}u);
  y[at] = numbers.x;
  ${E % 2 === 0 ? '' : `if (2u * (index % ${W}u) + 1u < ${E}u)`} { y[at + 1u] = numbers.y; }`,
        },
        limits,
      ),
    ],
  }),
};

export const embeddingLookupHalfGpu: GpuKernel<HalfAttributes> = {
  forward: ({dims: {B, L, V, D, W}, attrs: {format}, limits}) => {
    const sizes = {count: B * L, rows: V, columns: D};
    const number = (row: string, column: string): string =>
      `${widened(`table[${row} * ${W}u + ${column} / 2u]`, format)}[${column} % 2u]`;
    return {passes: [lookupPass({name: 'embeddingLookupHalf', table: 'u32', ...sizes, number}, limits)]};
  },
};
