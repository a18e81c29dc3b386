// A blocked matrix product out = a b: a tile of both factors in workgroup memory, a block of results in the registers of a
// thread. Either factor may be stored transposed; a long inner dimension may be cut into slices whose results are added
// later.

import {packedHalves, roundedToHalf} from '../wgsl/halves.js';
import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, store4} from '../wgsl/rows.js';
import {steps} from '../wgsl/steps.js';
import type {Operand} from './operand.wgsl.js';
import {carrier, operandType} from './operand.wgsl.js';
import type {Cut, ProductSize} from './tile.js';
import {packsHalves, threadsOf} from './tile.js';

export interface Product extends ProductSize, Cut {
  readonly name: string;
  /** Buffer of a [rows, inner], or [inner, rows] when transposed. */
  readonly a: {name: string; transposed: boolean};
  /** Buffer of b [inner, columns], or [columns, inner] when transposed. */
  readonly b: {name: string; transposed: boolean};
  /** Buffer [slices, rows, columns]. */
  readonly out: string;
  /** Buffer [columns] added to every row. */
  readonly bias?: string;
  /** Buffer [rows, columns] added to the result, which is then not sliced. */
  readonly added?: string;
  /** Whether both factors are rounded to float16. Default false. */
  readonly halves?: boolean;
}

function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}

/**
 * WGSL of `threadRow` and `threadColumn`: 32 neighbours own 4 by 8 blocks, so that what they read of a tile at once are few
 * vectors that lie together.
 */
function placeOfThread(threadColumns: number): string {
  const across = threadColumns / 8;
  return `
  let lane = local % 32u;
  let team = local / 32u;
  let threadRow = (team / ${across}u) * 4u + (lane & 1u) + 2u * (lane >> 4u);
  let threadColumn = (team % ${across}u) * 8u + ((lane >> 1u) & 7u);`;
}

function operands({a, b, rows, columns, inner, tile}: Product): [Operand, Operand] {
  const common = {inner, depth: tile.depth};
  return [
    {
      ...common,
      tile: 'tileA',
      name: a.name,
      alongInner: !a.transposed,
      first: 'firstRow',
      across: rows,
      width: tile.rows,
      threads: tile.rows / tile.threadRows,
    },
    {
      ...common,
      tile: 'tileB',
      name: b.name,
      alongInner: b.transposed,
      first: 'firstColumn',
      across: columns,
      width: tile.columns,
      threads: tile.columns / tile.threadColumns,
    },
  ];
}

/** How four numbers of a factor lie in a tile. */
interface TileForm {
  readonly element: 'vec4f' | 'vec2u';
  /** WGSL that the other two call. */
  readonly declarations: string;
  /** WGSL of an element from its vec4f, and the other way round. */
  stored(value: string): string;
  widened(element: string): string;
}

function tileForm({halves = false, tile}: Product): TileForm {
  const same = (value: string): string => value;
  if (!halves) return {element: 'vec4f', declarations: '', stored: same, widened: same};
  if (!packsHalves(tile)) {
    const stored = (value: string): string => `roundedToHalf(${value})`;
    return {element: 'vec4f', declarations: roundedToHalf, stored, widened: same};
  }
  return {
    element: 'vec2u',
    declarations: packedHalves,
    stored: value => `packedHalves(${value})`,
    widened: element => `unpackedHalves(${element})`,
  };
}

/** WGSL of one step along the inner dimension, the `d`-th of a tile. */
function step(sums: readonly string[][], {widened}: TileForm, d: string): string {
  const rowQuads = count(sums.length / 4, h => `let x${h} = ${widened(`tileA[${d}][${h}][threadRow]`)};`);
  const columnQuads = sums[0].map((_, c) => `let y${c} = ${widened(`tileB[${d}][${c}][threadColumn]`)};`);
  const products = sums.map((line, i) =>
    line.map((sum, c) => `${sum} += x${Math.floor(i / 4)}.${'xyzw'[i % 4]} * y${c};`).join(' '),
  );
  return `
    {
      ${[...rowQuads, ...columnQuads].join(' ')}
      ${products.join('\n      ')}
    }`;
}

function storeResults({out, bias, added, rows, columns, tile}: Product, sums: readonly string[][]): string {
  const [threadRows, threadColumns] = [tile.rows / tile.threadRows, tile.columns / tile.threadColumns];
  const reach = (Math.ceil(columns / tile.columns) * tile.columns) / 4;
  const terms = [
    ...(bias === undefined ? [] : [load4({name: bias, width: columns, reach}, '0u', 'quad')]),
    ...(added === undefined ? [] : [load4({name: added, width: columns, reach}, 'row', 'quad')]),
  ];
  const value = (sum: string): string => (terms.length === 0 ? sum : `(${[sum, ...terms].join(' + ')})`);
  return sums
    .map(
      (line, i) => `
  {
    let row = firstRow + 4u * (threadRow + ${Math.floor(i / 4) * threadRows}u) + ${i % 4}u;
    if (row < ${rows}u) {
      ${line
        .map(
          (sum, c) => `{
        let quad = firstColumn / 4u + threadColumn + ${c * threadColumns}u;
        ${store4({name: out, width: columns, reach}, `slice * ${rows}u + row`, 'quad', value(sum))}
      }`,
        )
        .join('\n      ')}
    }
  }`,
    )
    .join('');
}

export function productPass(product: Product, limits: GpuLimits): Pass {
  const {name, rows, columns, inner, bias, added, tile, slices} = product;
  const {depth} = tile;
  const rowTiles = Math.ceil(rows / tile.rows);
  const columnTiles = Math.ceil(columns / tile.columns);
  const depthOfSlice = Math.ceil(Math.ceil(inner / slices) / depth) * depth;
  const threads = threadsOf(tile);
  const [a, b] = operands(product);
  const form = tileForm(product);
  const carry = carrier(a, b, threads, form.stored);
  const sums = count(tile.threadRows, i => count(tile.threadColumns / 4, c => `sum${i}_${c}`));
  const type = columns % 4 === 0 ? 'vec4f' : 'f32';
  return {
    name,
    read: {
      [a.name]: operandType(a),
      [b.name]: operandType(b),
      ...(bias === undefined ? {} : {[bias]: type}),
      ...(added === undefined ? {} : {[added]: type}),
    },
    write: {[product.out]: type},
    workgroups: spread(rowTiles * columnTiles * slices, limits),
    code: `
${form.declarations}
var<workgroup> tileA: array<array<array<${form.element}, ${a.threads}>, ${tile.threadRows / 4}>, ${depth}>;
var<workgroup> tileB: array<array<array<${form.element}, ${b.threads}>, ${tile.threadColumns / 4}>, ${depth}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${rowTiles * columnTiles * slices}u) { return; }
  let firstColumn = (workgroup % ${columnTiles}u) * ${tile.columns}u;
  let firstRow = (workgroup / ${columnTiles}u % ${rowTiles}u) * ${tile.rows}u;
  let slice = workgroup / ${columnTiles * rowTiles}u;
  let stop = min(${inner}u, (slice + 1u) * ${depthOfSlice}u);
  ${placeOfThread(b.threads)}
  ${sums.map(line => line.map(sum => `var ${sum} = vec4f();`).join(' ')).join('\n  ')}
  ${carry.declare}
  var begin = slice * ${depthOfSlice}u;
  ${carry.load}
  while (begin < stop) {
    ${carry.store}
    workgroupBarrier();
    begin += ${depth}u;
    // What the next tile needs is on its way while this one is used.
    if (begin < stop) {
      ${carry.load}
    }${steps(depth, limits, d => step(sums, form, d))}
    workgroupBarrier();
  }
  ${storeResults(product, sums)}
}`,
  };
}
