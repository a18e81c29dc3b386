// How memoryAttention is cut for matrix units: rows that a workgroup owns, the part of them of each subgroup, and the rows
// that stream past them in one go. Chosen by shape and limits alone; README.md has the measurements.

import type {Precision} from '../precision.js';
import type {MatrixUnit, MatrixUnits} from '../wgsl/matrix-units.js';
import {unitFor} from '../wgsl/matrix-units.js';
import type {GpuLimits} from '../wgsl/plan.js';

export interface MatrixBlock {
  readonly subgroups: number;
  /** Rows that a subgroup owns, in matrices. */
  readonly matrices: number;
  /** Streamed rows of a tile. */
  readonly tile: number;
}

export interface MatrixTeam extends MatrixBlock {
  readonly unit: MatrixUnit;
  readonly units: MatrixUnits;
}

/** What a walk keeps in workgroup memory. */
export interface WalkMemory {
  /** Factors of own rows, and buffers of tiles of streamed ones. */
  readonly owners: number;
  readonly tiles: number;
  /** For each own row, lines of a tile's products and of weights. */
  readonly products: number;
  readonly weights: number;
}

export interface WalkNeeds {
  readonly precision: Precision;
  readonly Dh: number;
  /** Rows that there are to own. */
  readonly rows: number;
}

/** Numbers that lines in workgroup memory are longer than what they hold, so that neighbours begin in other banks. */
export const PADDING = 8;
/** Numbers of 4 bytes that kernels keep beside for each row of a tile: two of both buffers. */
const BESIDE = 4;
/** Numbers of a row in all matrices of a subgroup: its sums, which registers have to hold. */
const MOST_WIDTH = 128;

export function ownRows({subgroups, matrices}: MatrixBlock, unit: MatrixUnit): number {
  return subgroups * matrices * unit.rows;
}

export function walkBytes(
  block: MatrixBlock,
  unit: MatrixUnit,
  Dh: number,
  {owners, tiles, products, weights}: WalkMemory,
): number {
  const factorBytes = unit.factor === 'f16' ? 2 : 4;
  const rows = ownRows(block, unit);
  const wide = (owners * rows + tiles * block.tile) * (Dh + PADDING);
  const lines = rows * (block.tile + PADDING);
  return factorBytes * (wide + weights * lines) + 4 * (products * lines + BESIDE * block.tile);
}

/** The first of some blocks that fits a device and the rows that there are; undefined without units for the precision. */
export function matrixTeam(
  blocks: readonly MatrixBlock[],
  memory: WalkMemory,
  {precision, Dh, rows}: WalkNeeds,
  {matrixUnits: units, invocations, workgroupBytes}: GpuLimits,
): MatrixTeam | undefined {
  const unit = unitFor(precision, units);
  if (units === undefined || unit === undefined) return undefined;
  const {inner, columns} = unit;
  const sharers = units.lanes / unit.rows;
  const isWhole = (size: number): boolean => size % inner === 0 && size % columns === 0;
  if (!isWhole(Dh) || Dh % 4 !== 0 || !Number.isInteger(Math.log2(sharers))) return undefined;
  const block = blocks.find(
    one =>
      isWhole(one.tile) &&
      one.tile % (4 * sharers) === 0 &&
      one.subgroups * units.lanes <= invocations &&
      one.matrices * Dh <= MOST_WIDTH &&
      ownRows(one, unit) <= rows &&
      walkBytes(one, unit, Dh, memory) <= workgroupBytes,
  );
  return block && {...block, unit, units};
}
