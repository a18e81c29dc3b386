// A blocked matrix product out = a b: tiles of 64 x 64 in workgroup memory, 4 x 4 results in the registers of a thread.
// Either factor may be stored transposed; a long inner dimension may be cut into slices whose results are added later.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';

const TILE = 64;
const DEPTH = 16;
const THREADS = 256;

export interface Product {
  readonly name: string;
  /** Buffer of a [rows, inner], or [inner, rows] when transposed. */
  readonly a: {name: string; transposed: boolean};
  /** Buffer of b [inner, columns], or [columns, inner] when transposed. */
  readonly b: {name: string; transposed: boolean};
  readonly out: string;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** Buffer [columns] added to every row. */
  readonly bias?: string;
  /** Number of slices of the inner dimension; `out` is then [slices, rows, columns]. Default 1. */
  readonly slices?: number;
}

/** How many slices keep a large device busy, none shorter than a few tiles. */
export function slicesFor({rows, columns, inner}: Pick<Product, 'rows' | 'columns' | 'inner'>): number {
  const tiles = Math.ceil(rows / TILE) * Math.ceil(columns / TILE);
  return Math.max(1, Math.min(Math.ceil(inner / 128), Math.ceil(512 / tiles)));
}

/** WGSL that fills a tile [DEPTH][TILE / 4] of vec4f, `across` counting rows of a or columns of b from `first`. */
function loadTile(
  tile: string,
  buffer: string,
  alongInner: boolean,
  first: string,
  across: string,
  stride: number,
): string {
  const at = (i: number): string =>
    alongInner ? `(start + ${i}u) * ${stride}u + k` : `k * ${stride}u + start + ${i}u`;
  // Neighbouring threads read neighbouring words of whichever dimension lies together in memory.
  const place = alongInner
    ? `let depth = local % ${DEPTH}u; let quad = local / ${DEPTH}u;`
    : `let depth = local / ${TILE / 4}u; let quad = local % ${TILE / 4}u;`;
  const items = [0, 1, 2, 3].map(
    i => `select(0.0, ${buffer}[${at(i)}], k < stop && start + ${i}u < ${across})`,
  );
  return `
    {
      ${place}
      let k = begin + depth;
      let start = ${first} + 4u * quad;
      ${tile}[depth * ${TILE / 4}u + quad] = vec4f(${items.join(',\n        ')});
    }`;
}

export function productPass(product: Product, limits: GpuLimits): Pass {
  const {name, a, b, out, rows, columns, inner, bias, slices = 1} = product;
  const rowTiles = Math.ceil(rows / TILE);
  const columnTiles = Math.ceil(columns / TILE);
  const depthOfSlice = Math.ceil(Math.ceil(inner / slices) / DEPTH) * DEPTH;
  const store = [0, 1, 2, 3].map(
    i => `
  if (row + ${i}u < ROWS) {
    let at = (slice * ROWS + row + ${i}u) * COLUMNS + column;
    ${[0, 1, 2, 3].map(j => `if (column + ${j}u < COLUMNS) { ${out}[at + ${j}u] = sum${i}.${'xyzw'[j]}${bias === undefined ? '' : ` + ${bias}[column + ${j}u]`}; }`).join('\n    ')}
  }`,
  );
  return {
    name,
    read: {[a.name]: 'f32', [b.name]: 'f32', ...(bias === undefined ? {} : {[bias]: 'f32'})},
    write: {[out]: 'f32'},
    workgroups: spread(rowTiles * columnTiles * slices, limits),
    code: `
${constants({ROWS: rows, COLUMNS: columns, INNER: inner})}
var<workgroup> tileA: array<vec4f, ${(DEPTH * TILE) / 4}>;
var<workgroup> tileB: array<vec4f, ${(DEPTH * TILE) / 4}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${rowTiles * columnTiles * slices}u) { return; }
  let firstColumn = (workgroup % ${columnTiles}u) * ${TILE}u;
  let firstRow = (workgroup / ${columnTiles}u % ${rowTiles}u) * ${TILE}u;
  let slice = workgroup / ${columnTiles * rowTiles}u;
  let stop = min(INNER, (slice + 1u) * ${depthOfSlice}u);
  let rowQuad = local / ${TILE / 4}u;
  let columnQuad = local % ${TILE / 4}u;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var begin = slice * ${depthOfSlice}u; begin < stop; begin += ${DEPTH}u) {
    ${loadTile('tileA', a.name, !a.transposed, 'firstRow', 'ROWS', a.transposed ? rows : inner)}
    ${loadTile('tileB', b.name, b.transposed, 'firstColumn', 'COLUMNS', b.transposed ? inner : columns)}
    workgroupBarrier();
    for (var depth = 0u; depth < ${DEPTH}u; depth++) {
      let x = tileA[depth * ${TILE / 4}u + rowQuad];
      let y = tileB[depth * ${TILE / 4}u + columnQuad];
      sum0 += x.x * y;
      sum1 += x.y * y;
      sum2 += x.z * y;
      sum3 += x.w * y;
    }
    workgroupBarrier();
  }
  let row = firstRow + 4u * rowQuad;
  let column = firstColumn + 4u * columnQuad;
  ${store.join('')}
}`,
  };
}
