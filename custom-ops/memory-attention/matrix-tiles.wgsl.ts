// Tiles of streamed rows in workgroup memory: threads share the work of reading the rows of one tile into registers, and of
// storing them once there is room. Reading takes no branch, and nothing is computed with what was read before it is stored:
// either would wait for memory at once, where a whole step hides it.

import {unroll} from './geometry.wgsl.js';
import type {MatrixLines} from './matrix-lines.wgsl.js';
import type {FactorType} from './matrix-rows.wgsl.js';

/** A factor of streamed rows: what multiplies it, own rows, weights, or first the ones and then the others. */
export interface Tile {
  readonly name: string;
  readonly use: 'products' | 'sums' | 'both';
  /** Buffer of its rows, as matrices take them. */
  readonly from: string;
}

export interface StreamParts {
  readonly Dh: number;
  readonly tiles: readonly Tile[];
  /** WGSL of what reading tile `n` needs to know first. */
  readonly begin: string;
  /** WGSL of the row, of all buffers, that is line `line`, WGSL of an i32, of tile `n`: some row that there is. */
  locate(line: string): string;
  /** WGSL for numbers of streamed rows that lanes need: their variables, reading those of tile `n`, storing them. */
  readonly numbers?: {
    readonly declare: string;
    readonly read: string;
    store(buffer: string): string;
  };
}

/** Buffers of a tile: sums are done one step after products, when the next tile is stored already. */
export function buffersOf({use}: Tile): 1 | 2 {
  return use === 'products' ? 1 : 2;
}

/** At the end of step `t` the tile of step t + 1, which was read a step before, is stored, and the one after it read. */
export class StreamedTiles {
  /** Elements of a row in memory, of 16 bytes each. */
  private readonly elements: number;

  constructor(
    private readonly parts: StreamParts,
    private readonly factor: FactorType,
    /** Rows of a tile. */
    private readonly rows: number,
    private readonly threads: number,
    private readonly lines: (name: string) => MatrixLines,
  ) {
    this.elements = parts.Dh / factor.numbers;
  }

  /** A line for each turn in which threads share the elements of a tile, `item` WGSL of which is this thread's. */
  private eachTurn(line: (turn: number, item: string) => string): string {
    const {rows, elements, threads} = this;
    return unroll(Math.ceil((rows * elements) / threads), turn => line(turn, `(local + ${turn * threads}u)`));
  }

  /** WGSL of the variables that hold a thread's share. */
  get held(): string {
    const {tiles, numbers} = this.parts;
    return `
  ${this.eachTurn(turn => tiles.map(({name}) => `var ${name}Held${turn} = ${this.factor.type}();`).join(' '))}
  ${numbers?.declare ?? ''}`;
  }

  /** WGSL that makes what the first step needs. */
  get begin(): string {
    return `
  ${this.read('0')}
  ${this.store('0u')}
  ${this.read('min(1, max(0, tiles - 1))')}`;
  }

  /** WGSL that stores, at the end of step `t`, what the next one needs, and reads what is needed after that. */
  get next(): string {
    return `
    ${this.store('(1u - buffer)')}
    ${this.read('min(t + 2, tiles - 1)')}`;
  }

  /** WGSL of the first line of a tile's buffer for products of step `t`, and for sums of the step before. */
  firstLine(name: string, use: 'products' | 'sums'): string {
    const tile = this.parts.tiles.find(one => one.name === name);
    if (tile === undefined) throw new Error(`StreamedTiles: no tile is named ${name}`);
    if (buffersOf(tile) === 1) return '';
    return use === 'products' ? `${this.rows}u * buffer + ` : `${this.rows}u * (1u - buffer) + `;
  }

  /** WGSL that reads a thread's share of tiles `n`; beyond the end of a tile, what its last line has. */
  private read(n: string): string {
    const {parts, rows, elements} = this;
    return `{
      let n = ${n};
      ${parts.begin}
      ${this.eachTurn((turn, item) => {
        const line = `i32(min(${item} / ${elements}u, ${rows - 1}u))`;
        const reads = parts.tiles.map(({name, from}) => `${name}Held${turn} = ${from}[at];`);
        return `{ let at = (${parts.locate(line)}) * ${elements}u + ${item} % ${elements}u; ${reads.join(' ')} }`;
      })}
      ${parts.numbers?.read ?? ''}
    }`;
  }

  /** WGSL that stores what was read, to buffer `buffer` where there are two. */
  private store(buffer: string): string {
    const {parts, rows, elements, threads} = this;
    const write = (tile: Tile, turn: number, item: string): string => {
      const first = buffersOf(tile) === 2 ? `${buffer} * ${rows}u + ` : '';
      return this.lines(tile.name).copy(
        `${first}${item} / ${elements}u`,
        `${item} % ${elements}u`,
        `${tile.name}Held${turn}`,
      );
    };
    return `
    ${this.eachTurn((turn, item) => {
      const isPart = (turn + 1) * threads > rows * elements;
      return `${isPart ? `if (${item} < ${rows * elements}u) ` : ''}{
      ${parts.tiles.map(tile => write(tile, turn, item)).join('\n')}
    }`;
    })}
    ${parts.numbers?.store(buffer) ?? ''}`;
  }
}
