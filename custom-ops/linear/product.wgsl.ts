// A blocked matrix product out = a b: tiles of both factors in workgroup memory, blocks of results in registers. Either
// factor may be stored transposed; a long inner dimension may be cut into slices whose results are added later.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {Operand} from './operand.wgsl.js';
import {loadBlock, operandType} from './operand.wgsl.js';
import type {ProductSize, Tile} from './tile.js';
import {threadsOf} from './tile.js';

export interface Product extends ProductSize {
  readonly name: string;
  /** Buffer of a [rows, inner], or [inner, rows] when transposed. */
  readonly a: {name: string; transposed: boolean};
  /** Buffer of b [inner, columns], or [columns, inner] when transposed. */
  readonly b: {name: string; transposed: boolean};
  readonly out: string;
  /** Buffer [columns] added to every row. */
  readonly bias?: string;
  readonly tile: Tile;
  /** Number of slices of the inner dimension; `out` is then [slices, rows, columns]. Default 1. */
  readonly slices?: number;
}

/** Threads whose loads and stores are planned together. */
const LANES = 32;

function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}

/**
 * WGSL of `threadRow` and `threadColumn`: 32 neighbours own 4 by 8 blocks. Pairs and halves of them read the same words of
 * a tile at once, which costs workgroup memory one access.
 */
function placeOfThread(threadColumns: number): string {
  const across = threadColumns / 8;
  return `
  let lane = local % ${LANES}u;
  let team = local / ${LANES}u;
  let threadRow = (team / ${across}u) * 4u + (lane & 1u) + 2u * (lane >> 4u);
  let threadColumn = (team % ${across}u) * 8u + ((lane >> 1u) & 7u);`;
}

/** Which blocks of 4 by 4 numbers a thread brings into the tiles, and the code that does it. */
function carrier(a: Operand, b: Operand, {depth}: Tile, threads: number): {load: string; store: (into: number) => string; declare: string} {
  const tasksOf = (operand: Operand) => (operand.tile / 4) * (depth / 4);
  const total = tasksOf(a) + tasksOf(b);
  const turns = Math.ceil(total / threads);
  const branches = (body: (operand: Operand, task: string, turn: number) => string): string =>
    count(turns, turn => {
      const first = turn * threads;
      const end = Math.min(first + threads, total);
      const limit = tasksOf(a);
      const ofA = body(a, `(local + ${first}u)`, turn);
      const ofB = body(b, `(local + ${first}u - ${limit}u)`, turn);
      const beyond = first + threads > total ? ` if (local < ${total - first}u)` : '';
      if (end <= limit) return `{${ofA}}`;
      if (first >= limit) return `${beyond} {${ofB}}`;
      return `if (local < ${limit - first}u) {${ofA}} else${beyond} {${ofB}}`;
    }).join('\n');
  const place = (task: string): string => `
    let task = ${task};
    let quad = task % 8u + 8u * (task / ${2 * depth}u);
    let depthQuad = (task / 8u) % ${depth / 4}u;`;
  return {
    declare: count(turns, turn => count(4, i => `var p${turn}_${i} = vec4f();`).join(' ')).join('\n'),
    load: branches((operand, task, turn) => `${place(task)}${loadBlock(operand, i => `p${turn}_${i}`)}`),
    store: into => branches(
      (operand, task, turn) => `${place(task)}
    ${count(4, i => `tile${operand.side}[${into}][4u * depthQuad + ${i}u][quad / ${operand.threads}u][quad % ${operand.threads}u] = p${turn}_${i};`).join('\n    ')}`,
    ),
  };
}

export function productPass(product: Product, limits: GpuLimits): Pass {
  const {name, a, b, out, rows, columns, inner, bias, tile, slices = 1} = product;
  const {depth, buffers} = tile;
  const rowTiles = Math.ceil(rows / tile.rows);
  const columnTiles = Math.ceil(columns / tile.columns);
  const depthOfSlice = Math.ceil(Math.ceil(inner / slices) / depth) * depth;
  const threads = threadsOf(tile);
  const [threadRows, threadColumns] = [tile.rows / tile.threadRows, tile.columns / tile.threadColumns];
  const [rowQuads, columnQuads] = [tile.threadRows / 4, tile.threadColumns / 4];
  const common = {inner, whole: inner % depth === 0};
  const left: Operand = {
    ...common, side: 'A', name: a.name, alongInner: !a.transposed, first: 'firstRow', across: rows, tile: tile.rows, threads: threadRows,
  };
  const right: Operand = {
    ...common, side: 'B', name: b.name, alongInner: b.transposed, first: 'firstColumn', across: columns, tile: tile.columns, threads: threadColumns,
  };
  const carry = carrier(left, right, tile, threads);
  const wide = columns % 4 === 0;
  const sums = count(tile.threadRows, i => count(columnQuads, c => `sum${i}_${c}`));
  const step = (from: number, d: string): string => `
      {
        ${count(rowQuads, h => `let x${h} = tileA[${from}][${d}][${h}][threadRow];`).join(' ')}
        ${count(columnQuads, c => `let y${c} = tileB[${from}][${d}][${c}][threadColumn];`).join(' ')}
        ${sums.map((line, i) => line.map((sum, c) => `${sum} += x${Math.floor(i / 4)}.${'xyzw'[i % 4]} * y${c};`).join(' ')).join('\n        ')}
      }`;
  const unrolled = Math.min(depth, Number(process.env.UNROLL ?? depth));
  const turn = (from: number): string => `
    ${from > 0 ? 'if (begin >= stop) { break; }' : ''}
    begin += ${depth}u;
    if (begin < stop) {
      ${carry.load}
    }
    ${unrolled === depth ? count(depth, i => step(from, `${i}u`)).join('') : `for (var d = 0u; d < ${depth}u; d += ${unrolled}u) {${count(unrolled, i => step(from, `d + ${i}u`)).join('')}
    }`}
    ${buffers === 1 ? 'workgroupBarrier();' : ''}
    if (begin < stop) {
      ${carry.store((from + 1) % buffers)}
    }
    workgroupBarrier();`;
  const storeRow = (line: string[], i: number): string => `
  {
    let row = firstRow + 4u * (threadRow + ${Math.floor(i / 4) * threadRows}u) + ${i % 4}u;
    if (row < ROWS) {
      ${line
        .map((sum, c) => {
          const quad = `firstColumn / 4u + threadColumn + ${c * threadColumns}u`;
          if (wide)
            return `{ let quad = ${quad}; if (quad < ${columns / 4}u) { ${out}[(slice * ROWS + row) * ${columns / 4}u + quad] = ${sum}${bias === undefined ? '' : ` + ${bias}[quad]`}; } }`;
          return `{ let column = 4u * (${quad}); let at = (slice * ROWS + row) * COLUMNS + column;
        ${count(4, j => `if (column + ${j}u < COLUMNS) { ${out}[at + ${j}u] = ${sum}.${'xyzw'[j]}${bias === undefined ? '' : ` + ${bias}[column + ${j}u]`}; }`).join(' ')} }`;
        })
        .join('\n      ')}
    }
  }`;
  return {
    name,
    read: {
      [a.name]: operandType(left),
      [b.name]: operandType(right),
      ...(bias === undefined ? {} : {[bias]: wide ? 'vec4f' : 'f32'}),
    },
    write: {[out]: wide ? 'vec4f' : 'f32'},
    workgroups: spread(rowTiles * columnTiles * slices, limits),
    code: `
${constants({ROWS: rows, COLUMNS: columns})}
var<workgroup> tileA: array<array<array<array<vec4f, ${threadRows}>, ${rowQuads}>, ${depth}>, ${buffers}>;
var<workgroup> tileB: array<array<array<array<vec4f, ${threadColumns}>, ${columnQuads}>, ${depth}>, ${buffers}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${rowTiles * columnTiles * slices}u) { return; }
  let firstColumn = (workgroup % ${columnTiles}u) * ${tile.columns}u;
  let firstRow = (workgroup / ${columnTiles}u % ${rowTiles}u) * ${tile.rows}u;
  let slice = workgroup / ${columnTiles * rowTiles}u;
  let stop = min(${inner}u, (slice + 1u) * ${depthOfSlice}u);
  ${placeOfThread(threadColumns)}
  ${sums.map(line => line.map(sum => `var ${sum} = vec4f();`).join(' ')).join('\n  ')}
  ${carry.declare}
  var begin = slice * ${depthOfSlice}u;
  ${carry.load}
  ${carry.store(0)}
  workgroupBarrier();
  while (begin < stop) {${count(buffers, turn).join('')}
  }
  ${sums.map(storeRow).join('')}
}`,
  };
}
