// A factor's tile in workgroup memory as it lies in memory, its numbers narrowed on the way: matrix units read either layout.

import type {MatrixCode, MatrixLayout} from '../wgsl/matrix-units.js';
import type {ElementType} from '../wgsl/plan.js';
import {PADDING} from './matrix-cut.js';

export interface Factor {
  /** WGSL names of its tile and its buffer. */
  readonly tile: string;
  readonly name: string;
  readonly part: 'left' | 'right';
  /** Stored [across, inner] rather than [inner, across]. */
  readonly alongInner: boolean;
  /** WGSL name of the first row or column of the block. */
  readonly first: string;
  /** Rows of a or columns of b, and those of a block. */
  readonly across: number;
  readonly width: number;
  readonly inner: number;
  readonly depth: number;
}

const four = [0, 1, 2, 3];

export class FactorTile {
  /** Numbers of a line of the tile, and lines. */
  private readonly run: number;
  private readonly lines: number;
  /** Numbers from line to line in memory. */
  private readonly stride: number;

  constructor(
    private readonly factor: Factor,
    private readonly code: MatrixCode,
    private readonly threads: number,
  ) {
    const {alongInner, width, depth, inner, across} = factor;
    [this.run, this.lines, this.stride] = alongInner ? [depth, width, inner] : [width, depth, across];
  }

  /** Rows in memory that divide into vectors are read as such. */
  get type(): ElementType {
    return this.stride % 4 === 0 ? 'vec4f' : 'f32';
  }

  /** WGSL that declares the tile. */
  get declaration(): string {
    const {type, size} = this.code.element;
    return `var<workgroup> ${this.factor.tile}: array<${type}, ${(this.lines * (this.run + PADDING)) / size}>;`;
  }

  /** WGSL of the variables that hold a thread's share of a tile. */
  get held(): string {
    return this.turns.map(turn => `var ${this.heldName(turn)} = vec4f();`).join(' ');
  }

  /** WGSL that reads it from memory, at `begin` of the inner dimension, zeros from `stop` on. */
  get load(): string {
    return this.eachTurn(turn => `${this.heldName(turn)} = ${this.read()};`);
  }

  /** WGSL that stores it into the tile. */
  get store(): string {
    const {tile} = this.factor;
    const {element} = this.code;
    return this.eachTurn(turn => {
      const value = this.heldName(turn);
      const at = `line * ${this.run + PADDING}u + 4u * quad`;
      if (element.size === 4) return `${tile}[(${at}) / 4u] = ${this.code.narrowed(value)};`;
      return four.map(i => `${tile}[${at} + ${i}u] = ${this.code.narrowed(value)}[${i}];`).join(' ');
    });
  }

  /** WGSL of the matrix that begins at `across` rows or columns, WGSL, and `k` of the inner dimension. */
  matrix(across: string, k: number): string {
    const {factor, code} = this;
    const {size} = code.element;
    const stride = (this.run + PADDING) / size;
    const at = factor.alongInner
      ? `(${across}) * ${stride}u + ${k / size}u`
      : `${k * stride}u + (${across}) / ${size}u`;
    const layout: MatrixLayout = factor.alongInner === (factor.part === 'left') ? 'rows' : 'columns';
    return code.load(factor.part, factor.tile, at, stride, layout);
  }

  private get turns(): number[] {
    const quads = (this.lines * this.run) / 4;
    return Array.from({length: Math.ceil(quads / this.threads)}, (_, turn) => turn);
  }

  private heldName(turn: number): string {
    return `${this.factor.tile}Held${turn}`;
  }

  /** A statement for each four numbers that a thread has, `quad` of `line`. */
  private eachTurn(statement: (turn: number) => string): string {
    const {threads, run, lines} = this;
    return this.turns
      .map(turn => {
        const idle = (turn + 1) * threads > (lines * run) / 4 ? `if (item < ${(lines * run) / 4}u) ` : '';
        return `{
      let item = local + ${turn * threads}u;
      ${idle}{
        let line = item / ${run / 4}u;
        let quad = item % ${run / 4}u;
        ${statement(turn)}
      }
    }`;
      })
      .join('\n    ');
  }

  /** Four numbers of memory; rows or columns beyond the last repeat it: their results are never stored. */
  private read(): string {
    const {name, alongInner, first, across, width, inner, depth} = this.factor;
    const {stride} = this;
    const isWhole = inner % depth === 0;
    const within = (value: string, zero: string, k: string): string =>
      isWhole ? value : `select(${zero}, ${value}, ${k} < stop)`;
    const clamped = (place: string, last: number): string =>
      across % width === 0 ? `(${place})` : `min(${place}, ${last}u)`;
    if (stride % 4 === 0) {
      const at = alongInner
        ? `${clamped(`${first} + line`, across - 1)} * ${stride / 4}u + begin / 4u + quad`
        : `(begin + line) * ${stride / 4}u + ${clamped(`${first} / 4u + quad`, across / 4 - 1)}`;
      return within(`${name}[${at}]`, 'vec4f()', alongInner ? 'begin + 4u * quad' : 'begin + line');
    }
    const items = four.map(i => {
      const k = alongInner ? `begin + 4u * quad + ${i}u` : 'begin + line';
      const at = alongInner
        ? `${clamped(`${first} + line`, across - 1)} * ${stride}u + ${k}`
        : `(${k}) * ${stride}u + ${clamped(`${first} + 4u * quad + ${i}u`, across - 1)}`;
      return within(`${name}[${at}]`, '0.0', k);
    });
    return `vec4f(${items.join(', ')})`;
  }
}
