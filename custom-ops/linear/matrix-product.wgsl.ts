// out = a b on matrix units: a tile of both factors in workgroup memory, narrowed as it is filled, a block of results in the
// matrices of each subgroup, float32. What the next tile needs is on its way while one is multiplied.

import {MatrixCode} from '../wgsl/matrix-units.js';
import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {MatrixCut} from './matrix-cut.js';
import {subgroupsOf} from './matrix-cut.js';
import {FactorTile} from './matrix-tile.wgsl.js';
import type {Product} from './product.wgsl.js';

function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}

/** Names of the matrices of results of a subgroup, by rows. */
function sumNames({block, unit}: MatrixCut): string[][] {
  const columns = block.subgroupColumns / unit.columns;
  return count(block.subgroupRows / unit.rows, i => count(columns, j => `sum${i}_${j}`));
}

/** WGSL of one step along the inner dimension, `k` of a tile. */
function step(
  a: FactorTile,
  b: FactorTile,
  {unit}: MatrixCut,
  code: MatrixCode,
  sums: string[][],
  k: number,
): string {
  const lefts = sums.map((_, i) => `let left${i} = ${a.matrix(`subgroupRow + ${i * unit.rows}u`, k)};`);
  const columns = sums[0].map(
    (_, j) => `
      let right${j} = ${b.matrix(`subgroupColumn + ${j * unit.columns}u`, k)};
      ${sums.map((line, i) => code.multiply(`left${i}`, `right${j}`, line[j])).join(' ')}`,
  );
  return `
    {
      ${lefts.join('\n      ')}${columns.join('')}
    }`;
}

/** Results straight to memory: of a product whose blocks are whole and whose rows begin where vectors may. */
function storeWhole(
  {out, rows, columns}: Size,
  {unit}: MatrixCut,
  code: MatrixCode,
  sums: string[][],
): string {
  return sums
    .flatMap((line, i) =>
      line.map((sum, j) => {
        const row = `slice * ${rows}u + firstRow + subgroupRow + ${i * unit.rows}u`;
        const column = `firstColumn + subgroupColumn + ${j * unit.columns}u`;
        return code.store(out, `(${row}) * ${columns}u + ${column}`, sum, columns);
      }),
    )
    .join('\n  ');
}

/** Results through workgroup memory, one matrix at a time, with the bias, as far as the product reaches. */
function storeParts(
  {out, rows, columns, bias}: Size,
  cut: MatrixCut,
  code: MatrixCode,
  sums: string[][],
): string {
  const {unit, units} = cut;
  const words = unit.rows * unit.columns;
  const added = bias === undefined ? '' : ` + ${bias}[column]`;
  return sums
    .flatMap((line, i) =>
      line.map(
        (sum, j) => `
  ${code.store('results', `subgroup * ${words}u`, sum, unit.columns)}
  workgroupBarrier();
  for (var at = local % ${units.lanes}u; at < ${words}u; at += ${units.lanes}u) {
    let row = firstRow + subgroupRow + ${i * unit.rows}u + at / ${unit.columns}u;
    let column = firstColumn + subgroupColumn + ${j * unit.columns}u + at % ${unit.columns}u;
    if (row < ${rows}u && column < ${columns}u) {
      ${out}[(slice * ${rows}u + row) * ${columns}u + column] = results[subgroup * ${words}u + at]${added};
    }
  }
  workgroupBarrier();`,
      ),
    )
    .join('');
}

type Size = Pick<Product, 'name' | 'a' | 'b' | 'out' | 'bias' | 'rows' | 'columns' | 'inner'>;

function factorTiles(
  product: Size,
  {block}: MatrixCut,
  code: MatrixCode,
  threads: number,
): [FactorTile, FactorTile] {
  const {a, b, rows, columns, inner} = product;
  const common = {inner, depth: block.depth};
  const left = {tile: 'tileA', part: 'left', first: 'firstRow', across: rows, width: block.rows} as const;
  const right = {
    tile: 'tileB',
    part: 'right',
    first: 'firstColumn',
    across: columns,
    width: block.columns,
  } as const;
  return [
    new FactorTile({...common, ...left, name: a.name, alongInner: !a.transposed}, code, threads),
    new FactorTile({...common, ...right, name: b.name, alongInner: b.transposed}, code, threads),
  ];
}

export function matrixProductPass(product: Size, cut: MatrixCut, limits: GpuLimits): Pass {
  const {name, rows, columns, inner, bias, out} = product;
  const {block, slices, unit, units} = cut;
  const code = new MatrixCode(unit, units.syntax);
  const subgroups = subgroupsOf(block);
  const threads = subgroups * units.lanes;
  const across = block.columns / block.subgroupColumns;
  const rowBlocks = Math.ceil(rows / block.rows);
  const columnBlocks = Math.ceil(columns / block.columns);
  const depthOfSlice = Math.ceil(Math.ceil(inner / slices) / block.depth) * block.depth;
  const [a, b] = factorTiles(product, cut, code, threads);
  const sums = sumNames(cut);
  const isWhole =
    bias === undefined && columns % block.columns === 0 && rows % block.rows === 0 && unit.sum === 'f32';
  return {
    name: `${name} in matrices`,
    read: {
      [product.a.name]: a.type,
      [product.b.name]: b.type,
      ...(bias === undefined ? {} : {[bias]: 'f32'}),
    },
    write: {[out]: 'f32'},
    matrices: true,
    workgroups: spread(rowBlocks * columnBlocks * slices, limits),
    code: `
${a.declaration}
${b.declaration}
${isWhole ? '' : `var<workgroup> results: array<f32, ${subgroups * unit.rows * unit.columns}>;`}
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${rowBlocks * columnBlocks * slices}u) { return; }
  let firstColumn = (workgroup % ${columnBlocks}u) * ${block.columns}u;
  let firstRow = (workgroup / ${columnBlocks}u % ${rowBlocks}u) * ${block.rows}u;
  let slice = workgroup / ${columnBlocks * rowBlocks}u;
  let stop = min(${inner}u, (slice + 1u) * ${depthOfSlice}u);
  let subgroup = local / ${units.lanes}u;
  let subgroupRow = (subgroup / ${across}u) * ${block.subgroupRows}u;
  let subgroupColumn = (subgroup % ${across}u) * ${block.subgroupColumns}u;
  ${sums.map(line => line.map(sum => code.sum(sum)).join(' ')).join('\n  ')}
  ${a.held}
  ${b.held}
  var begin = slice * ${depthOfSlice}u;
  ${a.load}
  ${b.load}
  while (begin < stop) {
    ${a.store}
    ${b.store}
    workgroupBarrier();
    begin += ${block.depth}u;
    if (begin < stop) {
    ${a.load}
    ${b.load}
    }${count(block.depth / unit.inner, i => step(a, b, cut, code, sums, i * unit.inner)).join('')}
    workgroupBarrier();
  }
  ${isWhole ? storeWhole(product, cut, code, sums) : storeParts(product, cut, code, sums)}
}`,
  };
}
