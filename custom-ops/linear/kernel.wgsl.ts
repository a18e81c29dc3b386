// linear and linearTransposed on the GPU: three products; those over tokens are cut into slices added in a fixed order.

import {columnSumPasses} from '../wgsl/column-sum.js';
import type {GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import {productPass} from './product.wgsl.js';
import {cutFor} from './tile.js';

function forwardWith(transposeWeight: boolean) {
  return ({dims: {B, L, D, E}, present, limits}: PlanRequest): Plan => {
    const sizes = {rows: B * L, columns: E, inner: D};
    const product = {
      name: 'linear',
      a: {name: 'x', transposed: false},
      b: {name: 'weight', transposed: transposeWeight},
      out: 'y',
      bias: present.has('bias') ? 'bias' : undefined,
      ...sizes,
      ...cutFor(sizes, limits),
    };
    return {passes: [productPass(product, limits)]};
  };
}

function weightPasses(
  {dims: {B, L, D, E}, limits}: PlanRequest,
  transposeWeight: boolean,
): {passes: Pass[]; words: number} {
  const [first, second] = transposeWeight ? ['gradY', 'x'] : ['x', 'gradY'];
  const [rows, columns] = transposeWeight ? [E, D] : [D, E];
  const sizes = {rows, columns, inner: B * L};
  const cut = cutFor(sizes, limits, {sliced: true});
  const {slices} = cut;
  const product = {
    name: 'linear gradient of weight',
    a: {name: first, transposed: true},
    b: {name: second, transposed: false},
    ...sizes,
    ...cut,
  };
  if (slices === 1) return {passes: [productPass({...product, out: 'gradWeight'}, limits)], words: 0};
  const sum = rowSumPass(
    {
      name: 'linear gradient of weight from slices',
      from: 'slices',
      rows: slices,
      columns: rows * columns,
      write: {gradWeight: 'f32'},
      store: 'gradWeight[column] = total;',
    },
    limits,
  );
  return {passes: [productPass({...product, out: 'slices'}, limits), sum], words: slices * rows * columns};
}

function backwardWith(transposeWeight: boolean) {
  return (request: PlanRequest): Plan => {
    const {dims, present, limits} = request;
    const {B, L, D, E} = dims;
    const weight = weightPasses(request, transposeWeight);
    const sizes = {rows: B * L, columns: D, inner: E};
    const bias = columnSumPasses({from: 'gradY', to: 'gradBias', rows: B * L, columns: E}, limits);
    return {
      scratch: {
        ...(weight.words > 0 ? {slices: weight.words} : {}),
        ...(present.has('bias') ? bias.scratch : {}),
      },
      passes: [
        productPass(
          {
            name: 'linear gradient of x',
            a: {name: 'gradY', transposed: false},
            b: {name: 'weight', transposed: !transposeWeight},
            out: 'gradX',
            ...sizes,
            ...cutFor(sizes, limits),
          },
          limits,
        ),
        ...weight.passes,
        ...(present.has('bias') ? bias.passes : []),
      ],
    };
  };
}

export const linearGpu: GpuKernel = {forward: forwardWith(false), backward: backwardWith(false)};
export const linearTransposedGpu: GpuKernel = {forward: forwardWith(true), backward: backwardWith(true)};
