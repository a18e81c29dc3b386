// A product with a few rows, as a step of decoding has them: b is read once, and that is what it costs. Threads share the sum of
// a column, since columns alone are too few to keep memory busy.

import {numberToHalf, roundedToHalf} from '../wgsl/halves.js';
import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, quadsOf, rowType, store4} from '../wgsl/rows.js';
import type {Product} from './product.wgsl.js';
import type {ProductSize} from './tile.js';

/** Rows of the products that are computed so; from more on tiles pay. */
const MOST_ROWS = 8;

/** Threads that share the sum of a column whose numbers lie together. */
const SHARERS = 32;

/** Loads of b that a thread has on their way at a time. */
const AHEAD = 4;

/** Workgroups that keep the processors of a large device busy: with as many each may take more columns. */
const BUSY = 512;

type FewRows = Omit<Product, 'tile' | 'slices'>;

/** Whether a product has so few rows; weights' gradients, whose sums run over rows, are none. */
export function hasFewRows({rows}: ProductSize): boolean {
  return rows <= MOST_ROWS;
}

export function fewRowsPass(product: FewRows, limits: GpuLimits): Pass {
  const threads = Math.min(256, limits.invocations);
  return product.b.transposed ? alongRows(product, threads, limits) : alongColumns(product, threads, limits);
}

/** WGSL of a factor, rounded where the product asks for it. */
const factor = ({halves = false}: FewRows, rounded: string, value: string): string =>
  halves ? `${rounded}(${value})` : value;

const count = <T>(length: number, item: (i: number) => T): T[] => Array.from({length}, (_, i) => item(i));

/** WGSL that runs `load` for AHEAD numbers `k` at a time, and then for those that are left, from `first` on by `step`. */
function ahead(
  first: string,
  step: number,
  end: number,
  load: (turn: number) => string,
  use: (turn: number) => string,
): string {
  const turns = count(AHEAD, turn => turn);
  const at = (turn: number): string => `let k${turn} = k + ${turn * step}u;`;
  return `
  var k = ${first};
  while (k + ${(AHEAD - 1) * step}u < ${end}u) {
    ${turns.map(turn => `${at(turn)} ${load(turn)}`).join('\n    ')}
    ${turns.map(use).join('\n    ')}
    k += ${AHEAD * step}u;
  }
  while (k < ${end}u) {
    let k0 = k;
    ${load(0)}
    ${use(0)}
    k += ${step}u;
  }`;
}

/** b [inner, columns]: neighbours have neighbouring fours of columns, and the threads of a workgroup the rows of b in turn. */
function alongColumns(product: FewRows, most: number, limits: GpuLimits): Pass {
  const {name, a, b, out, bias, rows, columns, inner} = product;
  const quads = quadsOf(columns);
  const across = Math.ceil(quads / 8) >= BUSY ? 8 : 4;
  // No more than have something to load: their sums are added one after the other.
  const parts = Math.min(most / across, powerOfTwo(Math.ceil(inner / AHEAD)));
  const threads = across * parts;
  const workgroups = Math.ceil(quads / across);
  const reach = workgroups * across;
  const type = rowType(columns);
  const every = (line: (row: number) => string): string => count(rows, line).join(' ');
  const sum = (row: number): string => `
  partial[local] = sum${row};
  workgroupBarrier();
  if (local < ${across}u) {
    var total = partial[local];
    for (var part = 1u; part < ${parts}u; part++) { total += partial[part * ${across}u + local]; }
    ${store4({name: out, width: columns, reach}, `${row}u`, 'quad', bias === undefined ? 'total' : `(total + ${load4({name: bias, width: columns, reach}, '0u', 'quad')})`)}
  }
  workgroupBarrier();`;
  return {
    name,
    read: {[a.name]: 'f32', [b.name]: type, ...(bias === undefined ? {} : {[bias]: type})},
    write: {[out]: type},
    workgroups: spread(workgroups, limits),
    code: `
${product.halves ? `${numberToHalf}${roundedToHalf}` : ''}
var<workgroup> partial: array<vec4f, ${threads}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${workgroups}u) { return; }
  let quad = workgroup * ${across}u + local % ${across}u;
  ${every(row => `var sum${row} = vec4f();`)}
  ${ahead(
    `local / ${across}u`,
    parts,
    inner,
    turn => `let w${turn} = ${load4({name: b.name, width: columns, reach}, `k${turn}`, 'quad')};`,
    turn =>
      `{ let w = ${factor(product, 'roundedToHalf', `w${turn}`)}; ${every(
        row =>
          `sum${row} += ${factor(product, 'numberToHalf', `${a.name}[${row * inner}u + k${turn}]`)} * w;`,
      )} }`,
  )}
  ${count(rows, sum).join('')}
}`,
  };
}

/** b [columns, inner]: a team of neighbours has a column, and its numbers by fours in turn. */
function alongRows(product: FewRows, threads: number, limits: GpuLimits): Pass {
  const {name, a, b, out, bias, rows, columns, inner} = product;
  const across = threads / SHARERS;
  const workgroups = Math.ceil(columns / across);
  const type = rowType(inner);
  const every = (line: (row: number) => string): string => count(rows, line).join(' ');
  const each = (line: (row: number) => string): string => count(rows, line).join('');
  return {
    name,
    read: {[a.name]: type, [b.name]: type, ...(bias === undefined ? {} : {[bias]: 'f32'})},
    write: {[out]: 'f32'},
    workgroups: spread(workgroups, limits),
    code: `
${product.halves ? roundedToHalf : ''}
var<workgroup> partial: array<f32, ${threads}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${workgroups}u) { return; }
  let lane = local % ${SHARERS}u;
  let column = workgroup * ${across}u + local / ${SHARERS}u;
  let line = min(column, ${columns - 1}u);
  ${every(row => `var sum${row} = 0.0;`)}
  ${ahead(
    'lane',
    SHARERS,
    quadsOf(inner),
    turn => `let w${turn} = ${load4({name: b.name, width: inner}, 'line', `k${turn}`)};`,
    turn =>
      `{ let w = ${factor(product, 'roundedToHalf', `w${turn}`)}; ${every(
        row =>
          `sum${row} += dot(${factor(product, 'roundedToHalf', load4({name: a.name, width: inner}, `${row}u`, `k${turn}`))}, w);`,
      )} }`,
  )}
  ${each(
    row => `
  partial[local] = sum${row};
  workgroupBarrier();
  if (lane == 0u && column < ${columns}u) {
    var total = partial[local];
    for (var sharer = 1u; sharer < ${SHARERS}u; sharer++) { total += partial[local + sharer]; }
    ${out}[${row * columns}u + column] = total${bias === undefined ? '' : ` + ${bias}[column]`};
  }
  workgroupBarrier();`,
  )}
}`,
  };
}
