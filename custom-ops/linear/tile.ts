// How a product is cut: the block of results that a workgroup owns and the part of it in the registers of a thread.

import type {GpuLimits} from '../wgsl/plan.js';

/** Rows and columns of a workgroup's block and of a thread's, and how far along the inner dimension a tile reaches. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly threadRows: number;
  readonly threadColumns: number;
  readonly depth: number;
  /** Tiles in workgroup memory: with two, one is filled while the other is used. */
  readonly buffers: 1 | 2;
}

export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

export function threadsOf({rows, columns, threadRows, threadColumns}: Tile): number {
  return (rows / threadRows) * (columns / threadColumns);
}

export function bytesOf({rows, columns, depth, buffers}: Tile): number {
  return 4 * buffers * depth * (rows + columns);
}

export function tilesOf(tile: Tile, {rows, columns}: ProductSize): number {
  return Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
}

export function fits(tile: Tile, limits: GpuLimits): boolean {
  return threadsOf(tile) <= limits.invocations && bytesOf(tile) <= limits.workgroupBytes;
}

/** From many results for every number read to few. */
const tiles: readonly Tile[] = [
  {rows: 128, columns: 64, threadRows: 8, threadColumns: 4, depth: 16, buffers: 1},
  {rows: 64, columns: 64, threadRows: 4, threadColumns: 4, depth: 16, buffers: 1},
  {rows: 32, columns: 32, threadRows: 4, threadColumns: 4, depth: 16, buffers: 1},
];

/** Workgroups that keep a large device busy. */
const BUSY = 256;
/** Share of a tile's work that may fall beyond the result. */
const WASTE = 0.25;

export interface Cut {
  readonly tile: Tile;
  readonly slices: number;
}

/** How to cut a product whose inner dimension may be cut into at most `mostSlices`. */
export function cutFor(size: ProductSize, limits: GpuLimits, mostSlices = 1): Cut {
  const fitting = tiles.filter(tile => fits(tile, limits));
  const cut = (tile: Tile): Cut => ({
    tile,
    slices: Math.max(1, Math.min(mostSlices, Math.ceil((2 * BUSY) / tilesOf(tile, size)))),
  });
  for (const tile of fitting) {
    const results = tilesOf(tile, size) * tile.rows * tile.columns;
    const wasted = 1 - (size.rows * size.columns) / results;
    const {slices} = cut(tile);
    if (wasted <= WASTE && slices * tilesOf(tile, size) >= BUSY) return cut(tile);
  }
  return cut(fitting[fitting.length - 1]);
}
