// A weight turned in memory, ahead of a product of many rows that would read it along the inner dimension: README.md has what
// that gains.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {ProductSize} from './tile.js';

/** Rows of a product beside which two passes over its second factor are little. */
const MANY_ROWS = 2048;

/** Side of the square that a workgroup turns, and the threads that share it. */
const SIDE = 32;
const THREADS = 256;

/** Whether a product whose second factor lies as [columns, inner] gains by turning it; only vectors of four do. */
export function paysToTurn({rows, columns}: ProductSize): boolean {
  return rows >= MANY_ROWS && columns % 4 === 0;
}

export interface Turn {
  readonly name: string;
  /** Buffer [rows, columns]. */
  readonly from: string;
  /** Buffer [columns, rows]. */
  readonly to: string;
  readonly rows: number;
  readonly columns: number;
}

export function turnPass({name, from, to, rows, columns}: Turn, limits: GpuLimits): Pass {
  const across = Math.ceil(columns / SIDE);
  const squares = Math.ceil(rows / SIDE) * across;
  // A line longer than the square, so that numbers below each other lie in other banks.
  const line = SIDE + 1;
  return {
    name,
    read: {[from]: 'f32'},
    write: {[to]: 'f32'},
    workgroups: spread(squares, limits),
    code: `
var<workgroup> square: array<f32, ${SIDE * line}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${squares}u) { return; }
  let firstRow = (workgroup / ${across}u) * ${SIDE}u;
  let firstColumn = (workgroup % ${across}u) * ${SIDE}u;
  let lane = local % ${SIDE}u;
  for (var i = local / ${SIDE}u; i < ${SIDE}u; i += ${THREADS / SIDE}u) {
    if (firstRow + i < ${rows}u && firstColumn + lane < ${columns}u) {
      square[i * ${line}u + lane] = ${from}[(firstRow + i) * ${columns}u + firstColumn + lane];
    }
  }
  workgroupBarrier();
  for (var i = local / ${SIDE}u; i < ${SIDE}u; i += ${THREADS / SIDE}u) {
    if (firstColumn + i < ${columns}u && firstRow + lane < ${rows}u) {
      ${to}[(firstColumn + i) * ${rows}u + firstRow + lane] = square[lane * ${line}u + i];
    }
  }
}`,
  };
}
