// embeddingLookup on the GPU. Its gradient has one owner for each row and column of the table: a workgroup scans all
// ids for those of its few rows, notes them as bits, and adds their cotangents in the order of the tokens.

import {lookupPass} from '../wgsl/lookup.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';

const THREADS = 256;
const MOST_ROWS = 32;
/** Sums of one workgroup, in workgroup memory. */
const MOST_SUMS = 2048;

function forward({dims: {B, L, V, D}, limits}: PlanRequest): Plan {
  const sizes = {count: B * L, rows: V, columns: D};
  const number = (row: string, column: string): string => `table[${row} * ${D}u + ${column}]`;
  return {passes: [lookupPass({name: 'embeddingLookup', table: 'f32', ...sizes, number}, limits)]};
}

function backward({dims: {B, L, V, D}, limits}: PlanRequest): Plan {
  const columns = Math.min(powerOfTwo(D), 64);
  const tiles = Math.ceil(D / columns);
  // Enough workgroups for a large device, and few scans of the ids for a large table.
  const rows = Math.min(MOST_ROWS, MOST_SUMS / columns, Math.ceil(V / 256));
  const blocks = Math.ceil(V / rows);
  return {
    passes: [
      {
        name: 'embeddingLookup gradient',
        read: {ids: 'i32', gradY: 'f32'},
        write: {gradTable: 'f32'},
        workgroups: spread(blocks * tiles, limits),
        code: `
${constants({TOKENS: B * L, WIDTH: D, TABLE_ROWS: V, ROWS: rows, COLUMNS: columns})}
var<workgroup> hits: array<atomic<u32>, ${THREADS / 32}>;
var<workgroup> sums: array<f32, ${rows * columns}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${blocks * tiles}u) { return; }
  let first = (workgroup / ${tiles}u) * ROWS;
  let column = (workgroup % ${tiles}u) * COLUMNS + local;
  let owns = local < COLUMNS && column < WIDTH;
  for (var i = local; i < ROWS * COLUMNS; i += ${THREADS}u) { sums[i] = 0.0; }
  for (var begin = 0u; begin < TOKENS; begin += ${THREADS}u) {
    if (local < ${THREADS / 32}u) { atomicStore(&hits[local], 0u); }
    workgroupBarrier();
    let token = begin + local;
    if (token < TOKENS) {
      let id = u32(ids[token]);
      if (id >= first && id < first + ROWS) { atomicOr(&hits[local / 32u], 1u << (local % 32u)); }
    }
    workgroupBarrier();
    if (owns) {
      for (var word = 0u; word < ${THREADS / 32}u; word++) {
        var bits = atomicLoad(&hits[word]);
        while (bits != 0u) {
          let hit = begin + word * 32u + firstTrailingBit(bits);
          bits &= bits - 1u;
          sums[(u32(ids[hit]) - first) * COLUMNS + local] += gradY[hit * WIDTH + column];
        }
      }
    }
    workgroupBarrier();
  }
  if (owns) {
    for (var row = 0u; row < min(ROWS, TABLE_ROWS - first); row++) {
      gradTable[(first + row) * WIDTH + column] = sums[row * COLUMNS + local];
    }
  }
}`,
      },
    ],
  };
}

export const embeddingLookupGpu: GpuKernel = {forward, backward};
