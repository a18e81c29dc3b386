// How a product is cut: the block of results that a workgroup owns, the part of it in the registers of a thread, and the
// slices of the inner dimension. Chosen by shape and limits alone; README.md has the reasons and the measurements.

import type {GpuLimits} from '../wgsl/plan.js';
import {mostParts} from '../wgsl/scratch.js';

/** Rows and columns of a workgroup's block and of a thread's, multiples of four, and the depth of a tile. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly threadRows: number;
  readonly threadColumns: number;
  readonly depth: number;
  /** Its speed on large products, as a share of the 8 by 8 one's. */
  readonly speed: number;
  /** Workgroups without which a device of a hundred processors has some that wait. */
  readonly busy: number;
  /** Bytes of workgroup memory of the devices that have the registers for it: no limit tells those. */
  readonly from: number;
}

export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

export interface Cut {
  readonly tile: Tile;
  readonly slices: number;
}

const depth = 16;

export const tiles: readonly Tile[] = [
  {rows: 128, columns: 128, threadRows: 16, threadColumns: 8, depth, speed: 1.1, busy: 750, from: 49152},
  {rows: 128, columns: 128, threadRows: 8, threadColumns: 8, depth, speed: 1, busy: 600, from: 0},
  {rows: 64, columns: 64, threadRows: 8, threadColumns: 8, depth, speed: 0.95, busy: 256, from: 0},
  {rows: 64, columns: 64, threadRows: 4, threadColumns: 4, depth, speed: 0.75, busy: 128, from: 0},
  {rows: 32, columns: 32, threadRows: 4, threadColumns: 4, depth, speed: 0.6, busy: 0, from: 0},
];

/** Workgroups that make the last ones to end a small part of all. */
const MANY = 2048;
/** Inner length of the shortest slice: its results are written and read once more. */
const SHORTEST_SLICE = 512;

/** Slices of a product: none too short, and all in one buffer. */
export function mostSlicesOf({rows, columns, inner}: ProductSize, limits: GpuLimits): number {
  return Math.min(Math.ceil(inner / SHORTEST_SLICE), mostParts(rows * columns, limits));
}

/**
 * Whether factors of float16 lie in its tiles as such, two in a word. Rectangles below 8 by 8 wait for workgroup memory; of larger
 * ones widening each number that is read would cost more than reading it.
 */
export function packsHalves({threadRows, threadColumns}: Tile): boolean {
  return threadRows * threadColumns < 64;
}

export function threadsOf({rows, columns, threadRows, threadColumns}: Tile): number {
  return (rows / threadRows) * (columns / threadColumns);
}

export function bytesOf({rows, columns, depth}: Tile): number {
  return 4 * depth * (rows + columns);
}

function fits(tile: Tile, {invocations, workgroupBytes}: GpuLimits): boolean {
  return threadsOf(tile) <= invocations && bytesOf(tile) <= workgroupBytes && tile.from <= workgroupBytes;
}

/** The fastest tile of those that keep the device busy, with what falls beyond the result counted as lost. */
export function cutFor(size: ProductSize, limits: GpuLimits, {sliced = false}: {sliced?: boolean} = {}): Cut {
  const mostSlices = sliced ? mostSlicesOf(size, limits) : 1;
  let best: (Cut & {score: number}) | undefined;
  for (const tile of tiles) {
    if (!fits(tile, limits)) continue;
    const count = Math.ceil(size.rows / tile.rows) * Math.ceil(size.columns / tile.columns);
    const slices = Math.max(1, Math.min(mostSlices, Math.ceil(MANY / count)));
    if (count * slices < tile.busy) continue;
    const useful = (size.rows * size.columns) / (count * tile.rows * tile.columns);
    const score = tile.speed * useful;
    if (best === undefined || score > best.score) best = {tile, slices, score};
  }
  if (best === undefined)
    throw new Error('bmojo: linear on webgpu needs 64 invocations and 4096 bytes of workgroup memory');
  return {tile: best.tile, slices: best.slices};
}
