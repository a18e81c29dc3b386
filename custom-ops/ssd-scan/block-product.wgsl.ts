// Products of blocks within a workgroup: tiles of both factors in workgroup memory, 8 by 8 numbers of the result in the
// registers of each thread. Factors come from functions, so that decays and masks are made on the way into the tiles.

/** Rows and columns of a block, and how far a tile reaches along the inner dimension. */
export const BLOCK = 64;
const DEPTH = 16;
/** Steps along the inner dimension in a row: with all of them drivers of software take a minute to compile. */
const UNROLLED = 4;
/** Numbers of a side of what a thread owns, and threads of a side. */
const OWN = 8;
const SIDE = BLOCK / OWN;
/** Threads of a workgroup. */
export const THREADS = SIDE * SIDE;

export interface Factor {
  /** WGSL function (line, quad) -> vec4f: four numbers of a line, zeros beyond its end or the last line. */
  readonly of: string;
  /** Lines are rows (columns) of the product and run along the inner dimension; otherwise they lie across it. */
  readonly alongInner: boolean;
  /** WGSL of the first row (column) of the block, a multiple of {@link BLOCK}. */
  readonly first: string;
}

function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}

const four = [0, 1, 2, 3];

/** WGSL of the tiles, and of `rowOf(i)` and `quadOf(c)`: a thread's rows and fours of columns within the block. */
export const tiles = `
var<workgroup> tileA: array<array<vec4f, ${BLOCK / 4}>, ${DEPTH}>;
var<workgroup> tileB: array<array<vec4f, ${BLOCK / 4}>, ${DEPTH}>;`;

/** WGSL of a thread's place: 32 neighbours own 4 by 8 parts, so that what they read of a tile at once lies together. */
export const placeOfThread = `
  let threadRow = (local / 32u) * 4u + (local & 1u) + 2u * ((local % 32u) >> 4u);
  let threadColumn = (local >> 1u) & 7u;`;

/** WGSL of the block's row that is the thread's `i`-th. */
export const rowOf = (i: number): string => `(4u * (threadRow + ${SIDE * Math.floor(i / 4)}u) + ${i % 4}u)`;
/** WGSL of the block's four columns that are the thread's `c`-th. */
export const quadOf = (c: number): string => `(threadColumn + ${SIDE * c}u)`;

/** A thread's part of a block, 8 rows of 2 vectors, as names of variables. */
export class Sums {
  readonly names: readonly string[][];

  constructor(name: string) {
    this.names = count(OWN, i => count(OWN / 4, c => `${name}${i}_${c}`));
  }

  get declare(): string {
    return this.names.map(line => line.map(name => `var ${name} = vec4f();`).join(' ')).join('\n  ');
  }

  get clear(): string {
    return this.names.map(line => line.map(name => `${name} = vec4f();`).join(' ')).join('\n  ');
  }

  /** WGSL for each of the vectors: its name, the thread's row and four of columns. */
  each(body: (name: string, i: number, c: number) => string): string {
    return this.names.map((line, i) => line.map((name, c) => body(name, i, c)).join('\n')).join('\n');
  }
}

function loadBlock({of, alongInner, first}: Factor, held: string): string {
  if (!alongInner)
    return four
      .map(i => `${held}${i} = ${of}(begin + 4u * depthQuad + ${i}u, ${first} / 4u + quad);`)
      .join(' ');
  const lines = four.map(i => `let line${i} = ${of}(${first} + 4u * quad + ${i}u, begin / 4u + depthQuad);`);
  const turned = four.map(i => `${held}${i} = vec4f(${four.map(j => `line${j}[${i}]`).join(', ')});`);
  return `{ ${[...lines, ...turned].join(' ')} }`;
}

/**
 * WGSL that adds a b to `sums`, over [from, stop) of the inner dimension, WGSL of u32 that is uniform in the workgroup, `from`
 * a multiple of the tiles' depth. All threads must reach it.
 */
export function blockProduct(a: Factor, b: Factor, {names}: Sums, from: string, stop: string): string {
  const load = `${loadBlock(a, 'heldA')} ${loadBlock(b, 'heldB')}`;
  const step = (d: number): string => `
      {
        ${count(OWN / 4, h => `let x${h} = tileA[d + ${d}u][threadRow + ${SIDE * h}u];`).join(' ')}
        ${count(OWN / 4, c => `let y${c} = tileB[d + ${d}u][threadColumn + ${SIDE * c}u];`).join(' ')}
        ${names.map((line, i) => line.map((sum, c) => `${sum} += x${Math.floor(i / 4)}[${i % 4}] * y${c};`).join(' ')).join('\n        ')}
      }`;
  return `
  {
    let quad = local % 8u + 8u * (local / 32u);
    let depthQuad = (local / 8u) % 4u;
    ${four.map(i => `var heldA${i} = vec4f(); var heldB${i} = vec4f();`).join(' ')}
    let stop = ${stop};
    let first: u32 = ${from};
    for (var begin = first; ; begin += ${DEPTH}u) {
      // What the next tiles need is on its way while these are used.
      if (begin < stop) { ${load} }
      if (begin > first) {
        for (var d = 0u; d < ${DEPTH}u; d += ${UNROLLED}u) {${count(UNROLLED, step).join('')}
        }
      }
      workgroupBarrier();
      if (begin >= stop) { break; }
      ${four.map(i => `tileA[4u * depthQuad + ${i}u][quad] = heldA${i}; tileB[4u * depthQuad + ${i}u][quad] = heldB${i};`).join(' ')}
      workgroupBarrier();
    }
  }`;
}

/** WGSL of what {@link sumRows} and {@link sumColumns} pass values through. */
export const partials = `
var<workgroup> rowParts: array<f32, ${BLOCK * SIDE}>;
var<workgroup> columnParts: array<vec4f, ${(BLOCK / 4) * SIDE}>;`;

/** WGSL after which thread t knows `name`, the sum over the threads' `values`, one for each row, of the block's row t. */
export function sumRows(name: string, values: readonly string[]): string {
  return `
  ${values.map((value, i) => `rowParts[${rowOf(i)} * ${SIDE}u + threadColumn] = ${value};`).join(' ')}
  workgroupBarrier();
  var ${name} = 0.0;
  for (var part = 0u; part < ${SIDE}u; part++) { ${name} += rowParts[local * ${SIDE}u + part]; }
  workgroupBarrier();`;
}

/** The same of the block's column t, from vectors of four columns. */
export function sumColumns(name: string, values: readonly string[]): string {
  return `
  ${values.map((value, c) => `columnParts[${quadOf(c)} * ${SIDE}u + threadRow] = ${value};`).join(' ')}
  workgroupBarrier();
  var ${name} = 0.0;
  for (var part = 0u; part < ${SIDE}u; part++) { ${name} += columnParts[local / 4u * ${SIDE}u + part][local % 4u]; }
  workgroupBarrier();`;
}
