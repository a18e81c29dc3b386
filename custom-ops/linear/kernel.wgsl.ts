// linear and linearTransposed on the GPU: three products; those over tokens are cut into slices added in a fixed order, and
// those of few tokens read the weight once.

import {columnSumPasses} from '../wgsl/column-sum.js';
import {elementwisePass} from '../wgsl/elementwise.js';
import {fewRowsPass, hasFewRows} from '../wgsl/few-rows.js';
import type {GpuKernel, GpuLimits, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import type {LinearAttributes} from './attributes.js';
import {matrixCutFor} from './matrix-cut.js';
import {matrixProductPass} from './matrix-product.wgsl.js';
import type {Product} from './product.wgsl.js';
import {productPass} from './product.wgsl.js';
import {sliceSumPass} from './slices.wgsl.js';
import type {ProductSize} from './tile.js';
import {cutFor} from './tile.js';
import {paysToTurn, turnPass} from './turn.wgsl.js';

type LinearRequest = PlanRequest<LinearAttributes>;
type Whole = Omit<Product, keyof ProductSize | 'tile' | 'slices' | 'halves'>;
type Passes = Required<Pick<Plan, 'passes' | 'scratch'>>;

/** A product in blocks: on matrix units where the precision and the device have them, else in registers, factors rounded alike. */
function blocks(
  {attrs: {precision}, limits}: LinearRequest,
  size: ProductSize,
  {sliced = false}: {sliced?: boolean} = {},
): {slices: number; inRegisters: boolean; pass(whole: Whole): Pass} {
  const matrices = matrixCutFor(size, precision, limits, {sliced});
  if (matrices !== undefined) {
    const {slices} = matrices;
    return {
      slices,
      inRegisters: false,
      pass: whole => matrixProductPass({...whole, ...size}, matrices, limits),
    };
  }
  const cut = cutFor(size, limits, {sliced});
  return {
    slices: cut.slices,
    inRegisters: true,
    pass: whole => productPass({...whole, ...size, ...cut, halves: precision === 'float16'}, limits),
  };
}

/** A product over a dimension of the model: a few rows come without blocks, many may have the weight turned for them. */
function product(request: LinearRequest, size: ProductSize, whole: Whole): Passes {
  const {attrs, limits} = request;
  if (hasFewRows(size)) {
    const few = fewRowsPass({...whole, ...size, halves: attrs.precision === 'float16'}, limits);
    return withAdded(few, size, whole, limits);
  }
  const {inRegisters, pass} = blocks(request, size);
  if (!inRegisters) return withAdded(pass(whole), size, whole, limits);
  if (!whole.b.transposed || !paysToTurn(size)) return {passes: [pass(whole)], scratch: {}};
  const turned = `${whole.b.name}Turned`;
  const turn = {name: `linear ${whole.b.name} turned`, from: whole.b.name, to: turned};
  return {
    passes: [
      turnPass({...turn, rows: size.columns, columns: size.inner}, limits),
      pass({...whole, b: {name: turned, transposed: false}}),
    ],
    scratch: {[turned]: size.columns * size.inner},
  };
}

/** What is added to a product whose pass does not add it. */
function withAdded(
  pass: Pass,
  {rows, columns}: ProductSize,
  {name, out, added}: Whole,
  limits: GpuLimits,
): Passes {
  if (added === undefined) return {passes: [pass], scratch: {}};
  const addition = elementwisePass(
    {
      name: `${name} added`,
      read: {[added]: 'f32'},
      write: {[out]: 'f32'},
      count: rows * columns,
      body: `${out}[index] += ${added}[index];`,
    },
    limits,
  );
  return {passes: [pass, addition], scratch: {}};
}

/** A product over tokens, whose sums are cut into slices where they are long. */
function productOverTokens(request: LinearRequest, size: ProductSize, whole: Whole): Passes {
  const {slices, pass} = blocks(request, size, {sliced: true});
  if (slices === 1) return {passes: [pass(whole)], scratch: {}};
  const numbers = size.rows * size.columns;
  const sum = {name: `${whole.name} from slices`, from: 'slices', to: whole.out, slices, numbers};
  return {
    passes: [pass({...whole, out: sum.from}), sliceSumPass(sum, request.limits)],
    scratch: {[sum.from]: slices * numbers},
  };
}

function forwardWith(transposeWeight: boolean) {
  return (request: LinearRequest): Plan => {
    const {B, L, D, E} = request.dims;
    return product(
      request,
      {rows: B * L, columns: E, inner: D},
      {
        name: 'linear',
        a: {name: 'x', transposed: false},
        b: {name: 'weight', transposed: transposeWeight},
        out: 'y',
        bias: request.present.has('bias') ? 'bias' : undefined,
      },
    );
  };
}

function gradientOfWeight(request: LinearRequest, transposeWeight: boolean): Passes {
  const {B, L, D, E} = request.dims;
  const [first, second] = transposeWeight ? ['gradY', 'x'] : ['x', 'gradY'];
  const [rows, columns] = transposeWeight ? [E, D] : [D, E];
  return productOverTokens(
    request,
    {rows, columns, inner: B * L},
    {
      name: 'linear gradient of weight',
      a: {name: first, transposed: true},
      b: {name: second, transposed: false},
      out: 'gradWeight',
    },
  );
}

function backwardWith(transposeWeight: boolean) {
  return (request: LinearRequest): Plan => {
    const {dims, present, limits} = request;
    const {B, L, D, E} = dims;
    const parts = [
      product(
        request,
        {rows: B * L, columns: D, inner: E},
        {
          name: 'linear gradient of x',
          a: {name: 'gradY', transposed: false},
          b: {name: 'weight', transposed: !transposeWeight},
          out: 'gradX',
          added: present.has('gradPassed') ? 'gradPassed' : undefined,
        },
      ),
      gradientOfWeight(request, transposeWeight),
      ...(present.has('bias')
        ? [columnSumPasses({from: 'gradY', to: 'gradBias', rows: B * L, columns: E}, limits)]
        : []),
    ];
    return {
      scratch: Object.assign({}, ...parts.map(({scratch}) => scratch)),
      passes: parts.flatMap(({passes}) => passes),
    };
  };
}

export const linearGpu: GpuKernel<LinearAttributes> = {
  forward: forwardWith(false),
  backward: backwardWith(false),
  addsPassed: true,
};
export const linearTransposedGpu: GpuKernel<LinearAttributes> = {
  forward: forwardWith(true),
  backward: backwardWith(true),
  addsPassed: true,
};
