// Products of blocks on matrix units: tiles of both factors in workgroup memory, narrowed as they are stored there and in the
// layout that they come in; each subgroup holds a part of the block's results.

import type {Precision} from '../precision.js';
import type {MatrixLayout} from '../wgsl/matrix-units.js';
import {MatrixCode, unitFor} from '../wgsl/matrix-units.js';
import type {GpuLimits} from '../wgsl/plan.js';
import type {Factor, Sums} from './blocks.wgsl.js';
import {BLOCK, Blocks, count} from './blocks.wgsl.js';

/** Rows and columns of a subgroup's part of a block, and how far a tile reaches along the inner dimension. */
const ROWS = BLOCK / 2;
const COLUMNS = 32;
const DEPTH = 32;
/** Lanes of a subgroup, subgroups beside each other, and threads of a workgroup. */
const LANES = 32;
const ACROSS = BLOCK / COLUMNS;
const THREADS = 2 * ACROSS * LANES;
/** Numbers that lines of tiles and of results are longer than what they hold, so that neighbours begin in other banks. */
const PADDING = 8;
const RESULT_PADDING = 4;
/** Bytes of workgroup memory: two tiles of 2 (4) bytes a number, half of the results, decays and step sizes of a chunk. */
const workgroupBytes = (size: number, chunk: number): number =>
  2 * size * BLOCK * (DEPTH + PADDING) + 4 * ROWS * (BLOCK + RESULT_PADDING) + 8 * chunk;

const four = [0, 1, 2, 3];

class MatrixBlocks extends Blocks {
  readonly suffix = ' in matrices';
  readonly matrices = true;
  readonly declarations: string;

  constructor(private readonly code: MatrixCode) {
    super(THREADS);
    const {type, size} = code.element;
    const words = (BLOCK * (DEPTH + PADDING)) / size;
    this.declarations = `
var<workgroup> tileA: array<${type}, ${words}>;
var<workgroup> tileB: array<${type}, ${words}>;
var<workgroup> passing: array<f32, ${ROWS * (BLOCK + RESULT_PADDING)}>;`;
  }

  open(sums: Sums): string {
    return this.matricesOf(sums)
      .flat()
      .map(name => this.code.sum(name))
      .join(' ');
  }

  multiply(a: Factor, b: Factor, sums: Sums, from: string, stop: string): string {
    const turns = count((BLOCK * DEPTH) / 4 / THREADS, turn => turn);
    const held = (tile: string): string => turns.map(turn => `var ${tile}${turn} = vec4f();`).join(' ');
    const steps = count(DEPTH / this.code.unit.inner, step =>
      this.step(a, b, sums, step * this.code.unit.inner),
    );
    return `
  {
    ${held('heldA')} ${held('heldB')}
    let subgroupRow = local / ${THREADS / 2}u * ${ROWS}u;
    let subgroupColumn = local / ${LANES}u % ${ACROSS}u * ${COLUMNS}u;
    let stop = ${stop};
    let first: u32 = ${from};
    for (var begin = first; ; begin += ${DEPTH}u) {
      // What the next tiles need is on its way while these are used.
      if (begin < stop) { ${turns.map(turn => `${load(a, 'heldA', turn)} ${load(b, 'heldB', turn)}`).join(' ')} }
      if (begin > first) {${steps.join('')}
      }
      workgroupBarrier();
      if (begin >= stop) { break; }
      ${turns.map(turn => `${this.store(a, 'A', turn)} ${this.store(b, 'B', turn)}`).join(' ')}
      workgroupBarrier();
    }
  }`;
  }

  /** By halves of the block, each of which half of the subgroups hold, through workgroup memory. */
  settle(sums: Sums): string {
    const {unit} = this.code;
    const stride = BLOCK + RESULT_PADDING;
    const stores = this.matricesOf(sums).flatMap((line, i) =>
      line.map((name, j) => {
        const column = `local / ${LANES}u % ${ACROSS}u * ${COLUMNS}u + ${j * unit.columns}u`;
        return this.code.store('passing', `${i * unit.rows * stride}u + ${column}`, name, stride);
      }),
    );
    const loads = (half: number): string =>
      sums.each((sum, i, c) => {
        const at = `${this.rowOf(i)} % ${ROWS}u * ${stride}u + 4u * ${this.quadOf(c)}`;
        const numbers = four.map(n => `passing[${at} + ${n}u]`);
        return `if (${this.rowOf(i)} / ${ROWS}u == ${half}u) { ${sum} += vec4f(${numbers.join(', ')}); }`;
      });
    const settled = (half: number): string => `
  if (local / ${THREADS / 2}u == ${half}u) {
    ${stores.join('\n    ')}
  }
  workgroupBarrier();
  ${loads(half)}
  workgroupBarrier();`;
    return `${settled(0)}${settled(1)}`;
  }

  private matricesOf({name}: Sums): string[][] {
    const {rows, columns} = this.code.unit;
    return count(ROWS / rows, i => count(COLUMNS / columns, j => `${name}Matrix${i}_${j}`));
  }

  /** WGSL of one step along the inner dimension, `k` of a tile. */
  private step(a: Factor, b: Factor, sums: Sums, k: number): string {
    const {rows, columns} = this.code.unit;
    const matrices = this.matricesOf(sums);
    const lefts = matrices.map(
      (_, i) => `let left${i} = ${this.matrix(a, 'left', `subgroupRow + ${i * rows}u`, k)};`,
    );
    const products = matrices[0].map(
      (_, j) => `
          let right${j} = ${this.matrix(b, 'right', `subgroupColumn + ${j * columns}u`, k)};
          ${matrices.map((line, i) => this.code.multiply(`left${i}`, `right${j}`, line[j])).join(' ')}`,
    );
    return `
        {
          ${lefts.join(' ')}${products.join('')}
        }`;
  }

  private matrix({alongInner}: Factor, part: 'left' | 'right', across: string, k: number): string {
    const {size} = this.code.element;
    const stride = lineOf(alongInner) / size;
    const at = alongInner
      ? `(${across}) * ${stride}u + ${k / size}u`
      : `${k * stride}u + (${across}) / ${size}u`;
    const layout: MatrixLayout = alongInner === (part === 'left') ? 'rows' : 'columns';
    return this.code.load(part, part === 'left' ? 'tileA' : 'tileB', at, stride, layout);
  }

  private store(factor: Factor, tile: string, turn: number): string {
    const {element} = this.code;
    const {alongInner, made} = factor;
    const at = `line * ${lineOf(alongInner)}u + 4u * quad`;
    const stores =
      element.size === 4
        ? [`tile${tile}[(${at}) / 4u] = value;`]
        : four.map(i => `tile${tile}[${at} + ${i}u] = value[${i}];`);
    const narrowed = this.code.narrowed(`${made}(${placeInFactor(factor)}, held${tile}${turn})`);
    const value = `let value = ${narrowed};`;
    return `{ ${placeOf(alongInner, turn)} ${value} ${stores.join(' ')} }`;
  }
}

/** Numbers from line to line of a tile. */
const lineOf = (alongInner: boolean): number => (alongInner ? DEPTH : BLOCK) + PADDING;

/** WGSL of the `line` and `quad` of a tile that are a thread's in this turn. */
function placeOf(alongInner: boolean, turn: number): string {
  const quads = (alongInner ? DEPTH : BLOCK) / 4;
  const item = `(local + ${turn * THREADS}u)`;
  return `let line = ${item} / ${quads}u; let quad = ${item} % ${quads}u;`;
}

/** WGSL of the factor's line and four numbers that they are. */
function placeInFactor({alongInner, first}: Factor): string {
  return alongInner ? `${first} + line, begin / 4u + quad` : `begin + line, ${first} / 4u + quad`;
}

function load(factor: Factor, held: string, turn: number): string {
  const {alongInner, fetched} = factor;
  return `{ ${placeOf(alongInner, turn)} ${held}${turn} = ${fetched}(${placeInFactor(factor)}); }`;
}

/** Where the precision and the device have matrix units and room for tiles; undefined elsewhere. */
export function matrixBlocks(
  precision: Precision,
  {matrixUnits, invocations, workgroupBytes: room}: GpuLimits,
  chunk: number,
): Blocks | undefined {
  const unit = unitFor(precision, matrixUnits);
  if (matrixUnits === undefined || unit === undefined || matrixUnits.lanes !== LANES) return undefined;
  const {rows, columns, inner, factor} = unit;
  if (ROWS % rows !== 0 || COLUMNS % columns !== 0 || DEPTH % inner !== 0) return undefined;
  if (invocations < THREADS || room < workgroupBytes(factor === 'f16' ? 2 : 4, chunk)) return undefined;
  return new MatrixBlocks(new MatrixCode(unit, matrixUnits.syntax));
}
