// How a product on matrix units is cut: the block of results of a workgroup, the part of it that each subgroup holds, and the
// slices of the inner dimension. Chosen by shape and limits alone; README.md has the measurements.

import type {Precision} from '../precision.js';
import type {MatrixUnit, MatrixUnits} from '../wgsl/matrix-units.js';
import {unitFor} from '../wgsl/matrix-units.js';
import type {GpuLimits} from '../wgsl/plan.js';
import type {ProductSize} from './tile.js';
import {mostSlicesOf} from './tile.js';

/** Rows and columns of a workgroup's block and of a subgroup's; numbers of the inner dimension that a tile has. */
export interface MatrixBlock {
  readonly rows: number;
  readonly columns: number;
  readonly subgroupRows: number;
  readonly subgroupColumns: number;
  readonly depth: number;
  /** Its speed on large products, as a share of the largest one's. */
  readonly speed: number;
  /** Workgroups without which a device of a hundred processors has some that wait. */
  readonly busy: number;
  /** Bytes of workgroup memory of the devices that have the registers for it: no limit tells those. */
  readonly from: number;
}

export interface MatrixCut {
  readonly block: MatrixBlock;
  readonly slices: number;
  readonly unit: MatrixUnit;
  readonly units: MatrixUnits;
}

const depth = 32;

export const matrixBlocks: readonly MatrixBlock[] = [
  {rows: 128, columns: 128, subgroupRows: 64, subgroupColumns: 64, depth, speed: 1, busy: 192, from: 49152},
  {rows: 64, columns: 128, subgroupRows: 32, subgroupColumns: 64, depth, speed: 0.75, busy: 192, from: 49152},
  {rows: 64, columns: 64, subgroupRows: 32, subgroupColumns: 32, depth, speed: 0.7, busy: 0, from: 0},
];

/** Numbers that lines of a tile are longer than what they hold, so that neighbouring lines begin in other banks. */
export const PADDING = 8;

/** Workgroups that make the last ones to end a small part of all. */
const MANY = 512;

export function subgroupsOf({rows, columns, subgroupRows, subgroupColumns}: MatrixBlock): number {
  return (rows / subgroupRows) * (columns / subgroupColumns);
}

/** Workgroup memory of both tiles, however they lie, and of a matrix of results for each subgroup. */
export function matrixBytes(block: MatrixBlock, {rows, columns, factor}: MatrixUnit): number {
  const lines = Math.max(block.rows + block.columns, 2 * block.depth);
  const padded = (block.rows + block.columns) * block.depth + lines * PADDING;
  return (factor === 'f16' ? 2 : 4) * padded + 4 * subgroupsOf(block) * rows * columns;
}

function fits(block: MatrixBlock, unit: MatrixUnit, units: MatrixUnits, limits: GpuLimits): boolean {
  const {invocations, workgroupBytes} = limits;
  return (
    subgroupsOf(block) * units.lanes <= invocations &&
    matrixBytes(block, unit) <= workgroupBytes &&
    block.from <= workgroupBytes &&
    block.subgroupRows % unit.rows === 0 &&
    block.subgroupColumns % unit.columns === 0 &&
    block.depth % unit.inner === 0
  );
}

/**
 * The fastest block that keeps the device busy, with what falls beyond the result counted as lost. Undefined where the
 * product is better off without: no units for the precision, or a result with fewer rows or columns than one matrix.
 */
export function matrixCutFor(
  size: ProductSize,
  precision: Precision,
  limits: GpuLimits,
  {sliced = false}: {sliced?: boolean} = {},
): MatrixCut | undefined {
  const {matrixUnits: units} = limits;
  const unit = unitFor(precision, units);
  if (units === undefined || unit === undefined) return undefined;
  if (size.rows < unit.rows || size.columns < unit.columns) return undefined;
  const mostSlices = sliced ? mostSlicesOf(size, limits) : 1;
  let best: (MatrixCut & {score: number}) | undefined;
  for (const block of matrixBlocks) {
    if (!fits(block, unit, units, limits)) continue;
    const count = Math.ceil(size.rows / block.rows) * Math.ceil(size.columns / block.columns);
    const slices = Math.max(1, Math.min(mostSlices, Math.ceil(MANY / count)));
    if (count * slices < block.busy) continue;
    const useful = (size.rows * size.columns) / (count * block.rows * block.columns);
    const score = block.speed * useful;
    if (best === undefined || score > best.score) best = {block, slices, unit, units, score};
  }
  return best && {block: best.block, slices: best.slices, unit, units};
}
