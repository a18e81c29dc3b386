// The frame of kernels on matrix units: a workgroup owns rows (queries or keys), each subgroup some matrices of them, and
// walks over tiles of streamed rows in workgroup memory. Products with a tile pass through workgroup memory to lanes, which
// make them into weights, factors of the sums over the tile: lanes see no numbers of a matrix. A step does the sums of one
// tile and the products of the next, so that two barriers a tile are enough; what the tile after needs is on its way.

import {MatrixCode} from '../wgsl/matrix-units.js';
import {unroll} from './geometry.wgsl.js';
import {MatrixLines} from './matrix-lines.wgsl.js';
import {factorType} from './matrix-rows.wgsl.js';
import type {MatrixTeam} from './matrix-team.js';
import {ownRows} from './matrix-team.js';
import type {StreamParts} from './matrix-tiles.wgsl.js';
import {buffersOf, StreamedTiles} from './matrix-tiles.wgsl.js';

/** Names of two factors: lines in workgroup memory or own rows in matrices, and a tile. */
type Factors = readonly [left: string, tile: string];

export interface WalkParts extends StreamParts {
  /** Factors of own rows: WGSL of the `quad`-th four numbers of the lane's row in its i-th matrix. */
  readonly owners: Readonly<Record<string, (i: number, quad: string) => string>>;
  /** Products by the lines that they are written to. */
  readonly products: Readonly<Record<string, Factors>>;
  /** Sums by their names. */
  readonly sums: Readonly<Record<string, Factors>>;
  /** WGSL that makes products with tile `t`, numbers of which are in `buffer`, into weights. */
  lanes(walk: MatrixWalk): string;
  /** For a walk that may be walked again: WGSL before each, and WGSL that leaves the loop where one was enough. */
  readonly again?: {before(walk: MatrixWalk): string; after(walk: MatrixWalk): string};
}

function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}

export class MatrixWalk {
  readonly threads: number;
  /** Lanes that share a row of a matrix. */
  private readonly sharers: number;
  private readonly code: MatrixCode;
  private readonly tiles: StreamedTiles;
  private readonly memory: ReadonlyMap<string, MatrixLines>;

  constructor(
    readonly team: MatrixTeam,
    private readonly parts: WalkParts,
  ) {
    const {unit, units, subgroups, tile} = team;
    const {tiles, owners, products, sums, Dh} = parts;
    const rows = ownRows(team, unit);
    const code = new MatrixCode(unit, units.syntax);
    const lines = [
      ...tiles.map(one => new MatrixLines(one.name, buffersOf(one) * tile, Dh, 'factors', code)),
      ...Object.keys(owners).map(name => new MatrixLines(name, rows, Dh, 'factors', code)),
      ...Object.keys(products).map(name => new MatrixLines(name, rows, tile, 'sums', code)),
      ...Object.values(sums).map(([name]) => new MatrixLines(name, rows, tile, 'factors', code)),
    ];
    this.code = code;
    this.threads = subgroups * units.lanes;
    this.sharers = units.lanes / unit.rows;
    this.memory = new Map(lines.map(one => [one.name, one]));
    this.tiles = new StreamedTiles(parts, factorType(unit.factor), tile, this.threads, name =>
      this.lines(name),
    );
  }

  /** Lines in workgroup memory by their name in the parts. */
  lines(name: string): MatrixLines {
    const found = this.memory.get(name);
    if (found === undefined) throw new Error(`MatrixWalk: no lines are named ${name}`);
    return found;
  }

  get declarations(): string {
    return [...this.memory.values()].map(one => one.declaration).join('\n');
  }

  /** WGSL of where a lane is: `firstLine` of its subgroup, and for each matrix i its row `line{i}` of the workgroup's. */
  get place(): string {
    const {unit, units, matrices} = this.team;
    return `
  let firstLine = (local / ${units.lanes}u) * ${matrices * unit.rows}u;
  let side = local % ${this.sharers}u;
  ${this.eachMatrix(i => `let line${i} = firstLine + ${i * unit.rows}u + local % ${units.lanes}u / ${this.sharers}u;`)}`;
  }

  eachMatrix(line: (i: number) => string): string {
    return unroll(this.team.matrices, line);
  }

  /** A line for each four of a tile's numbers that a lane has, `quad` WGSL of their place. */
  eachQuad(line: (n: number, quad: string) => string): string {
    const {team, sharers} = this;
    return unroll(team.tile / 4 / sharers, n => line(n, `(side + ${n * sharers}u)`));
  }

  /** WGSL that combines a variable over the lanes that share a row. */
  overSharers(name: string, combine: (a: string, b: string) => string): string {
    return count(Math.log2(this.sharers), bit => 2 ** bit)
      .map(mask => `${name} = ${combine(name, `subgroupShuffleXor(${name}, ${mask}u)`)};`)
      .join(' ');
  }

  /** WGSL of the whole walk over `tiles` tiles, a number; sums stay in their matrices. */
  get walk(): string {
    const {parts, tiles} = this;
    const {owners, products, sums, again} = parts;
    const zero = `${this.code.type('result')}()`;
    return `
  ${Object.entries(owners)
    .map(([name, value]) => this.stage(name, value))
    .join('\n')}
  ${this.eachSum(sum => `var ${sum} = ${zero};`)}
  ${tiles.held}
  ${again === undefined ? '' : `for (var attempt = 0; attempt < 2; attempt++) {\n${again.before(this)}\n${this.eachSum(sum => `${sum} = ${zero};`)}`}
  ${tiles.begin}
  workgroupBarrier();
  for (var t = 0; t <= tiles; t++) {
    let buffer = u32(t & 1);
    if (t > 0) {
      ${Object.entries(sums)
        .map(([name, factors]) => this.addSums(name, factors))
        .join('\n')}
    }
    if (t == tiles) { break; }
    {
      ${Object.entries(products)
        .map(([name, factors]) => this.multiply(name, factors))
        .join('\n')}
    }
    workgroupBarrier();
    ${tiles.next}
    ${parts.lanes(this)}
    workgroupBarrier();
  }
  ${again === undefined ? '' : `if (attempt == 1) { break; }\n${again.after(this)}\n}`}`;
  }

  /** WGSL that brings a sum to the lanes and runs `use` on each four numbers: `value`, the `quad`-th of row `line{i}`. */
  deliver(sum: string, use: (i: number) => string): string {
    const [through] = Object.keys(this.parts.products).map(name => this.lines(name));
    const {columns} = this.team.unit;
    return this.byParts(
      (first, width) => `
  ${this.eachMatrix(i => unroll(width / columns, j => through.store(this.ownLine(i), j * columns, `${sum}${i}_${first / columns + j}`)))}
  workgroupBarrier();
  ${this.eachQuadOf(first, width, i => `let value = ${through.read(`line${i}`, 'at')}; ${use(i)}`)}
  workgroupBarrier();`,
    );
  }

  private ownLine(i: number): string {
    return `firstLine + ${i * this.team.unit.rows}u`;
  }

  /** Rows of Dh numbers in parts as wide as a tile has rows: lines of products and weights hold no more. */
  private byParts(body: (first: number, width: number) => string): string {
    const {parts, team} = this;
    return unroll(Math.ceil(parts.Dh / team.tile), part => {
      const first = part * team.tile;
      return body(first, Math.min(team.tile, parts.Dh - first));
    });
  }

  /** A statement for each four numbers of a lane's part of its rows: `at` within the part, `quad` within the row. */
  private eachQuadOf(first: number, width: number, statement: (i: number) => string): string {
    return `for (var at = side; at < ${width / 4}u; at += ${this.sharers}u) {
    let quad = at + ${first / 4}u;
    ${this.eachMatrix(i => `{ ${statement(i)} }`)}
  }`;
  }

  private eachSum(line: (sum: string) => string): string {
    const across = this.parts.Dh / this.team.unit.columns;
    return Object.keys(this.parts.sums)
      .map(name => this.eachMatrix(i => unroll(across, j => line(`${name}${i}_${j}`))))
      .join('\n');
  }

  /**
   * WGSL that brings own rows to workgroup memory, narrowed. They stay there: matrices that are loaded before the loop and
   * held over it are loaded again by some drivers, when their memory may hold something else.
   */
  private stage(name: string, value: (i: number, quad: string) => string): string {
    return `for (var quad = side; quad < ${this.parts.Dh / 4}u; quad += ${this.sharers}u) {
    ${this.eachMatrix(i => `{ let value = ${value(i, 'quad')}; ${this.lines(name).write(`line${i}`, 'quad', 'value')} }`)}
  }`;
  }

  private multiply(name: string, [owner, tile]: Factors): string {
    const {team, code, parts} = this;
    const {columns, inner} = team.unit;
    const streamed = this.lines(tile);
    const first = this.tiles.firstLine(tile, 'products');
    // Each with a value: one that is declared in a loop without keeps what the turn before left in it.
    const product = (i: number, j: number): string => `${name}${i}_${j}`;
    const each = (line: (i: number, j: number) => string): string =>
      this.eachMatrix(i => unroll(team.tile / columns, j => line(i, j)));
    const step = (j: number, k: number): string => `{
        let right = ${streamed.load('right', `${first}${j * columns}u`, k * inner, 'columns')};
        ${this.eachMatrix(i => code.multiply(`left${i}`, 'right', product(i, j)))}
      }`;
    return `
      ${each((i, j) => code.sum(product(i, j)))}
      ${unroll(
        parts.Dh / inner,
        k => `{
      ${this.eachMatrix(i => `let left${i} = ${this.lines(owner).load('left', this.ownLine(i), k * inner, 'rows')};`)}
      ${unroll(team.tile / columns, j => step(j, k))}
      }`,
      )}
      ${each((i, j) => this.lines(name).store(this.ownLine(i), j * columns, product(i, j)))}`;
  }

  private addSums(name: string, [weights, tile]: Factors): string {
    const {team, code, parts} = this;
    const {columns, inner} = team.unit;
    const streamed = this.lines(tile);
    const first = this.tiles.firstLine(tile, 'sums');
    const step = (j: number, k: number): string => `{
        let right = ${streamed.load('right', `${first}${k * inner}u`, j * columns, 'rows')};
        ${this.eachMatrix(i => code.multiply(`left${i}`, 'right', `${name}${i}_${j}`))}
      }`;
    return unroll(
      team.tile / inner,
      k => `{
      ${this.eachMatrix(i => `let left${i} = ${this.lines(weights).load('left', this.ownLine(i), k * inner, 'rows')};`)}
      ${unroll(parts.Dh / columns, j => step(j, k))}
      }`,
    );
  }
}
