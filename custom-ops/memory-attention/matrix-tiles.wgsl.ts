// Tiles of streamed rows in workgroup memory: threads share the work of reading the rows of one tile into registers, and of
// storing them, narrowed, once there is room.

import {unroll} from './geometry.wgsl.js';
import type {MatrixLines} from './matrix-lines.wgsl.js';

/** Where a thread keeps four numbers of a streamed row until they are stored: WGSL names, and which four they are. */
export interface Held {
  readonly value: string;
  readonly row: string;
  readonly quad: string;
}

/** A factor of streamed rows: what multiplies it, own rows, weights, or first the ones and then the others. */
export interface Tile {
  readonly name: string;
  readonly use: 'products' | 'sums' | 'both';
}

export interface StreamParts {
  readonly Dh: number;
  readonly tiles: readonly Tile[];
  /** WGSL of what reading tile `n` needs to know first. */
  readonly begin: string;
  /** WGSL of the row that is line `line`, WGSL of an i32, of tile `n`; NOWHERE for none. */
  locate(line: string): string;
  /** WGSL that reads four numbers of each of these rows for a tile. */
  fetch(tile: string, held: readonly Held[]): string;
  /** WGSL for numbers of streamed rows that lanes need: their variables, reading those of tile `n`, storing them. */
  readonly numbers?: {
    readonly declare: string;
    readonly read: string;
    store(tiles: StreamedTiles, buffer: string): string;
  };
}

/** Buffers of a tile: sums are done one step after products, so that what both need is there twice. */
export function buffersOf({use}: Tile): 1 | 2 {
  return use === 'both' ? 2 : 1;
}

/**
 * At the end of step `t` tiles for its sums and for the products of the next step are stored, which were read at the end of
 * the step before.
 */
export class StreamedTiles {
  private readonly quads: number;
  /** Tiles needed by products, and those that are needed one step later. */
  private readonly groups: readonly {readonly name: string; readonly tiles: readonly Tile[]}[];

  constructor(
    private readonly parts: StreamParts,
    /** Rows of a tile. */
    private readonly rows: number,
    private readonly threads: number,
    private readonly lines: (name: string) => MatrixLines,
  ) {
    this.quads = parts.Dh / 4;
    const late = parts.tiles.filter(({use}) => use === 'sums');
    const early = parts.tiles.filter(({use}) => use !== 'sums');
    this.groups = [{name: 'early', tiles: early}, ...(late.length > 0 ? [{name: 'late', tiles: late}] : [])];
  }

  /** A line for each turn in which threads share the vectors of a tile, `item` WGSL of which is this thread's. */
  eachTurn(line: (turn: number, item: string) => string): string {
    const {rows, quads, threads} = this;
    return unroll(Math.ceil((rows * quads) / threads), turn => line(turn, `(local + ${turn * threads}u)`));
  }

  /** WGSL of the variables that hold a thread's share. */
  get held(): string {
    const {tiles, numbers} = this.parts;
    return `
  ${this.eachTurn(turn => tiles.map(({name}) => `var ${name}Held${turn} = vec4f();`).join(' '))}
  ${this.groups.map(({name}) => this.eachTurn(turn => `var ${name}Row${turn} = NOWHERE;`)).join('\n')}
  ${numbers?.declare ?? ''}`;
  }

  /** WGSL that makes what the first step needs. */
  get begin(): string {
    return `
  ${this.read(0, '0')}
  ${this.store(0, '0u')}
  ${this.advance('0')}`;
  }

  /** WGSL that stores, at the end of step `t`, what is needed next, and reads what is needed after that. */
  get next(): string {
    return `
    ${this.groups.map((_, group) => this.store(group, '(1u - buffer)')).join('\n')}
    ${this.advance('t + 1')}`;
  }

  /** WGSL of the first line of a tile's buffer for products of step `t`, and for sums of the step before. */
  firstLine(name: string, use: 'products' | 'sums'): string {
    const tile = this.parts.tiles.find(one => one.name === name);
    if (tile === undefined) throw new Error(`StreamedTiles: no tile is named ${name}`);
    if (buffersOf(tile) === 1) return '';
    return use === 'products' ? `${this.rows}u * buffer + ` : `${this.rows}u * (1u - buffer) + `;
  }

  /** WGSL that reads early tiles of the step after `step`, WGSL, and late ones of it. */
  private advance(step: string): string {
    return this.groups.map((_, group) => this.read(group, group === 0 ? `${step} + 1` : step)).join('\n');
  }

  /** WGSL that reads a thread's share of tiles `n`, if there are such. */
  private read(group: number, n: string): string {
    const {parts, rows, quads, threads} = this;
    const {name, tiles} = this.groups[group];
    const held = (tile: string): Held[] =>
      Array.from({length: Math.ceil((rows * quads) / threads)}, (_, turn) => ({
        value: `${tile}Held${turn}`,
        row: `${name}Row${turn}`,
        quad: `((local + ${turn * threads}u) % ${quads}u)`,
      }));
    return `{
      let n = ${n};
      if (n < tiles) {
        ${parts.begin}
        ${this.eachTurn((turn, item) => `${name}Row${turn} = ${parts.locate(`i32(min(${item} / ${quads}u, ${rows - 1}u))`)};`)}
        ${tiles.map(tile => parts.fetch(tile.name, held(tile.name))).join('\n')}
        ${group === 0 ? (parts.numbers?.read ?? '') : ''}
      }
    }`;
  }

  /** WGSL that stores what was read, to buffer `buffer` where there are two; zeros for rows that are NOWHERE. */
  private store(group: number, buffer: string): string {
    const {parts, rows, quads, threads} = this;
    const {name, tiles} = this.groups[group];
    const write = (tile: Tile, turn: number, item: string): string => {
      const line = `${buffersOf(tile) === 2 ? `${buffer} * ${rows}u + ` : ''}${item} / ${quads}u`;
      const value = `select(vec4f(), ${tile.name}Held${turn}, ${name}Row${turn} != NOWHERE)`;
      return `{ let value = ${value}; ${this.lines(tile.name).write(line, `${item} % ${quads}u`, 'value')} }`;
    };
    return `
    ${this.eachTurn((turn, item) => {
      const isPart = (turn + 1) * threads > rows * quads;
      return `${isPart ? `if (${item} < ${rows * quads}u) ` : ''}{
      ${tiles.map(tile => write(tile, turn, item)).join('\n')}
    }`;
    })}
    ${group === 0 ? (parts.numbers?.store(this, buffer) ?? '') : ''}`;
  }
}
