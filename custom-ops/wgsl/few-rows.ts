// A product with a few rows, as a step of decoding has them: b is read once, and that is what it costs. Threads share the sum of
// a column, since columns alone are too few to keep memory busy.

import type {HalfFormat} from './half-rows.js';
import {halfType, loadHalves4} from './half-rows.js';
import {numberToHalf, roundedToHalf} from './halves.js';
import type {ElementType, GpuLimits, Pass} from './plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from './plan.js';
import {load4, quadsOf, rowType, store4} from './rows.js';

/** Rows of the products that are computed so; from more on tiles pay. */
export const MOST_FEW_ROWS = 8;

/** Threads that share the sum of a column whose numbers lie together. */
const SHARERS = 32;

/** Loads of b that a thread has on their way at a time. */
const AHEAD = 4;

/** Workgroups that keep the processors of a large device busy: with as many each may take more columns. */
const BUSY = 512;

/** out [rows, columns] = a b, and `bias` [columns], all by the names of their buffers. */
export interface FewRows {
  readonly name: string;
  /** [rows, inner]. */
  readonly a: {readonly name: string};
  /** [inner, columns], or [columns, inner] when transposed; of floats, or of halves, two to a word. */
  readonly b: {readonly name: string; readonly transposed: boolean; readonly format?: HalfFormat};
  readonly out: string;
  readonly bias?: string;
  /** Whether factors are rounded to float16. Default false. */
  readonly halves?: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Whether a product has so few rows; weights' gradients, whose sums run over rows, are none. */
export function hasFewRows({rows}: {readonly rows: number}): boolean {
  return rows <= MOST_FEW_ROWS;
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

/** Element type of b's binding, and WGSL of the `quad`-th four numbers of its row `row`. */
function weightOf(
  {name, format}: FewRows['b'],
  width: number,
  reach: number,
): {type: ElementType; load(row: string, quad: string): string} {
  if (format === undefined)
    return {type: rowType(width), load: (row, quad) => load4({name, width, reach}, row, quad)};
  return {type: halfType(width), load: (row, quad) => loadHalves4({name, width, reach, format}, row, quad)};
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
  const weight = weightOf(b, columns, reach);
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
    read: {[a.name]: 'f32', [b.name]: weight.type, ...(bias === undefined ? {} : {[bias]: type})},
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
    turn => `let w${turn} = ${weight.load(`k${turn}`, 'quad')};`,
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
  const weight = weightOf(b, inner, quadsOf(inner));
  const every = (line: (row: number) => string): string => count(rows, line).join(' ');
  const each = (line: (row: number) => string): string => count(rows, line).join('');
  return {
    name,
    read: {[a.name]: type, [b.name]: weight.type, ...(bias === undefined ? {} : {[bias]: 'f32'})},
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
    turn => `let w${turn} = ${weight.load('line', `k${turn}`)};`,
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
