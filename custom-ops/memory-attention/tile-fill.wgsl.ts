// Streamed rows brought to tiles in workgroup memory: each thread reads several vectors before it stores the first, so that
// it waits for memory once.

import {loadRow, unroll} from './geometry.wgsl.js';
import type {TeamCode} from './team.wgsl.js';

/** Vectors of each tile that a thread has on their way at once. */
const MOST_AT_ONCE = 4;

export interface TileFill {
  readonly threads: number;
  /** Rows of a tile. */
  readonly rows: number;
  readonly Dh: number;
  /** Names of the tiles. */
  readonly tiles: readonly string[];
  /** WGSL that declares `row`, an i32, for line `key` of the tile; NOWHERE for a line of zeros. */
  readonly locate: string;
  /** WGSL of the row in all buffers for `row`, a u32 of some row that there is. */
  readonly bufferRow: string;
  /** WGSL of the reads: `read` is given the buffers of the tiles, in their order. */
  sources(read: (buffers: readonly string[]) => string): string;
  /** WGSL that stores what lanes need to know of line `key`, of `row`, once a row. */
  readonly remember: string;
}

export function fillTiles(code: TeamCode, fill: TileFill): string {
  const {threads, rows, Dh, tiles} = fill;
  const {width} = code;
  const total = rows * width;
  const turns = Math.min(MOST_AT_ONCE, Math.ceil(total / threads));
  const isPart = total % (threads * turns) !== 0;
  const each = (line: (turn: number) => string): string => unroll(turns, line);
  const value = (tile: string, turn: number): string => `${tile}Value${turn}`;
  return `
    for (var base = local; base < ${total}u; base += ${threads * turns}u) {
      ${each(
        turn => `
      let part${turn} = (base + ${turn * threads}u) % ${width}u;
      let key${turn} = min((base + ${turn * threads}u) / ${width}u, ${rows - 1}u);
      var row${turn} = NOWHERE;
      { let key = key${turn}; ${fill.locate} row${turn} = row; }
      ${tiles.map(tile => `var ${value(tile, turn)} = vec4f();`).join(' ')}`,
      )}
      ${fill.sources(buffers =>
        each(
          turn =>
            `{ let row = u32(max(row${turn}, 0)); let at = ${fill.bufferRow}; ${tiles
              .map(
                (tile, i) => `${value(tile, turn)} = ${loadRow(buffers[i], 'at', `part${turn}`, Dh, width)};`,
              )
              .join(' ')} }`,
        ),
      )}
      ${each(
        turn => `
      ${isPart ? `if (base + ${turn * threads}u < ${total}u) ` : ''}{
        let isRow = row${turn} != NOWHERE;
        ${tiles.map(tile => `${code.inTile(tile, `key${turn}`, `part${turn}`)} = select(vec4f(), ${value(tile, turn)}, isRow);`).join('\n        ')}
        if (part${turn} == 0u) { let key = key${turn}; let row = row${turn}; ${fill.remember} }
      }`,
      )}
    }`;
}
