// Products and rows of halves on the GPU: words are widened in registers, so that a weight costs half of the bytes.

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

export const embeddingLookupHalfGpu: GpuKernel<HalfAttributes> = {
  forward: ({dims: {B, L, V, D, W}, attrs: {format}, limits}) => {
    const sizes = {count: B * L, rows: V, columns: D};
    const number = (row: string, column: string): string =>
      `${widened(`table[${row} * ${W}u + ${column} / 2u]`, format)}[${column} % 2u]`;
    return {passes: [lookupPass({name: 'embeddingLookupHalf', table: 'u32', ...sizes, number}, limits)]};
  },
};
