// Sums down the columns of a tall matrix in two passes: blocks of rows, then the blocks, always in the same order.

import type {GpuLimits, Pass} from './plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from './plan.js';
import {rowSumPass} from './reduce.js';

const THREADS = 256;
const BLOCK = 256;

export interface ColumnSum {
  /** Matrix [rows, columns]. */
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  readonly columns: number;
}

/** Needs a scratch buffer, named after `to`. */
export function columnSumPasses(
  {from, to, rows, columns}: ColumnSum,
  limits: GpuLimits,
): {passes: Pass[]; scratch: Record<string, number>} {
  const width = Math.min(powerOfTwo(columns), 64);
  const tiles = Math.ceil(columns / width);
  const blocks = Math.ceil(rows / BLOCK);
  const partials = `${to}Blocks`;
  const byBlocks: Pass = {
    name: `${to} by blocks`,
    read: {[from]: 'f32'},
    write: {[partials]: 'f32'},
    workgroups: spread(blocks * tiles, limits),
    code: `
${constants({ROWS: rows, COLUMNS: columns})}
var<workgroup> sums: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${blocks * tiles}u) { return; }
  let block = workgroup / ${tiles}u;
  let column = (workgroup % ${tiles}u) * ${width}u + local % ${width}u;
  let stop = min(ROWS, (block + 1u) * ${BLOCK}u);
  var total = 0.0;
  if (column < COLUMNS) {
    for (var row = block * ${BLOCK}u + local / ${width}u; row < stop; row += ${THREADS / width}u) {
      total += ${from}[row * COLUMNS + column];
    }
  }
  sums[local] = total;
  workgroupBarrier();
  if (local < ${width}u && column < COLUMNS) {
    for (var part = local + ${width}u; part < ${THREADS}u; part += ${width}u) { total += sums[part]; }
    ${partials}[block * COLUMNS + column] = total;
  }
}`,
  };
  const sum = rowSumPass(
    {name: to, from: partials, rows: blocks, columns, write: {[to]: 'f32'}, store: `${to}[column] = total;`},
    limits,
  );
  return {passes: [byBlocks, sum], scratch: {[partials]: blocks * columns}};
}
