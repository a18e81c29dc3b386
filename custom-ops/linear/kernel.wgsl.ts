// linear and linearTransposed on the GPU: three products; those over tokens are cut into slices added in a fixed order, and
// those of few tokens read the weight once.

import {columnSumPasses} from '../wgsl/column-sum.js';
import type {GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import type {LinearAttributes} from './attributes.js';
import {fewRowsPass, hasFewRows} from './few-rows.wgsl.js';
import {matrixCutFor} from './matrix-cut.js';
import {matrixProductPass} from './matrix-product.wgsl.js';
import type {Product} from './product.wgsl.js';
import {productPass} from './product.wgsl.js';
import type {ProductSize} from './tile.js';
import {cutFor} from './tile.js';

type LinearRequest = PlanRequest<LinearAttributes>;
type Whole = Omit<Product, keyof ProductSize | 'tile' | 'slices'>;

/** On matrix units where the precision and the device have them, else in registers; a few rows without blocks. */
function product(
  {attrs: {precision}, limits}: LinearRequest,
  size: ProductSize,
  {sliced = false}: {sliced?: boolean} = {},
): {slices: number; pass(whole: Whole): Pass} {
  if (!sliced && hasFewRows(size))
    return {slices: 1, pass: whole => fewRowsPass({...whole, ...size}, limits)};
  const matrices = matrixCutFor(size, precision, limits, {sliced});
  if (matrices !== undefined) {
    const {slices} = matrices;
    return {slices, pass: whole => matrixProductPass({...whole, ...size}, matrices, limits)};
  }
  const cut = cutFor(size, limits, {sliced});
  return {slices: cut.slices, pass: whole => productPass({...whole, ...size, ...cut}, limits)};
}

function forwardWith(transposeWeight: boolean) {
  return (request: LinearRequest): Plan => {
    const {B, L, D, E} = request.dims;
    const pass = product(request, {rows: B * L, columns: E, inner: D}).pass({
      name: 'linear',
      a: {name: 'x', transposed: false},
      b: {name: 'weight', transposed: transposeWeight},
      out: 'y',
      bias: request.present.has('bias') ? 'bias' : undefined,
    });
    return {passes: [pass]};
  };
}

function weightPasses(request: LinearRequest, transposeWeight: boolean): {passes: Pass[]; words: number} {
  const {
    dims: {B, L, D, E},
    limits,
  } = request;
  const [first, second] = transposeWeight ? ['gradY', 'x'] : ['x', 'gradY'];
  const [rows, columns] = transposeWeight ? [E, D] : [D, E];
  const {slices, pass} = product(request, {rows, columns, inner: B * L}, {sliced: true});
  const whole = {
    name: 'linear gradient of weight',
    a: {name: first, transposed: true},
    b: {name: second, transposed: false},
  };
  if (slices === 1) return {passes: [pass({...whole, out: 'gradWeight'})], words: 0};
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
  return {passes: [pass({...whole, out: 'slices'}), sum], words: slices * rows * columns};
}

function backwardWith(transposeWeight: boolean) {
  return (request: LinearRequest): Plan => {
    const {dims, present, limits} = request;
    const {B, L, D, E} = dims;
    const weight = weightPasses(request, transposeWeight);
    const bias = columnSumPasses({from: 'gradY', to: 'gradBias', rows: B * L, columns: E}, limits);
    return {
      scratch: {
        ...(weight.words > 0 ? {slices: weight.words} : {}),
        ...(present.has('bias') ? bias.scratch : {}),
      },
      passes: [
        product(request, {rows: B * L, columns: D, inner: E}).pass({
          name: 'linear gradient of x',
          a: {name: 'gradY', transposed: false},
          b: {name: 'weight', transposed: !transposeWeight},
          out: 'gradX',
        }),
        ...weight.passes,
        ...(present.has('bias') ? bias.passes : []),
      ],
    };
  };
}

export const linearGpu: GpuKernel<LinearAttributes> = {
  forward: forwardWith(false),
  backward: backwardWith(false),
};
export const linearTransposedGpu: GpuKernel<LinearAttributes> = {
  forward: forwardWith(true),
  backward: backwardWith(true),
};
