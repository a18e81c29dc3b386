// The frame of kernels that own queries: one workgroup for a block of queries of one chunk and the heads that share keys,
// a team of lanes for some rows (a row is a query and head), streaming over tiles of keys in workgroup memory: window, then
// fading, then stored.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings} from './geometry.wgsl.js';
import {keyTiles, tilesFunction} from './key-tiles.wgsl.js';
import {chooseTeam, MOST_THREADS, TeamCode, tileRows} from './team.wgsl.js';

const MAX_QUERIES = 64;
const MAX_ROWS = 128;

export interface QueryBlockParts {
  readonly name: string;
  readonly read: Bindings;
  readonly write: Bindings;
  /** Rows that a lane keeps for each row of q, and keys in one go. */
  readonly kept: number;
  readonly batch: number;
  /**
   * WGSL that runs once before the keys, for keys `at` of the tile, and at the end. Rows of q are `queryRow{r}`, with
   * `isRow{r}` whether they are this team's to store; `ownQueryRow` and `isOwn` those of the lane's scores, of which
   * {@link seen} tells visibility.
   */
  code(team: TeamCode): {begin: string; keys: string; end: string};
}

/** WGSL of whether the lane's own row sees the key of its i-th score. */
export function seen({team}: TeamCode, i: number): string {
  return `isSeenRow(at * ${team.batch}u + ownFirst + ${i}u, lowest, highest)`;
}

export function queryBlockPass(request: AttentionRequest, g: Geometry, parts: QueryBlockParts): Pass {
  const {attrs, limits} = request;
  const inChunk = Math.min(g.w, g.L);
  const needs = {vectors: g.vectors, kept: parts.kept, rows: inChunk * g.repeats, batch: parts.batch};
  const team = chooseTeam(needs, limits);
  const code = new TeamCode(team, g.vectors);
  const most = Math.min(MAX_ROWS, (Math.min(MOST_THREADS, limits.invocations) * team.rows) / team.lanes);
  const blocks = Math.ceil(inChunk / Math.min(MAX_QUERIES, most));
  const perBlock = Math.ceil(inChunk / blocks);
  let heads = g.repeats;
  while (heads > 1 && (g.repeats % heads !== 0 || heads * perBlock > most)) heads--;
  const splits = g.repeats / heads;
  const rows = perBlock * heads;
  const threads = Math.ceil(rows / team.rows) * team.lanes;
  const tile = tileRows(code, {tiles: 2, words: 1}, limits);
  const {begin, keys, end} = parts.code(code);
  const tileOf = (names: [string, string], row: string): string => `
        ${code.inTile('tileK', 'key', 'part')} = ${loadRow(names[0], `(batch * rows() + u32(${row})) * GROUPS + group`, 'part', g.Dh)};
        ${code.inTile('tileV', 'key', 'part')} = ${loadRow(names[1], `(batch * rows() + u32(${row})) * GROUPS + group`, 'part', g.Dh)};`;
  const slidingBounds =
    attrs.fading === 'sliding' ? 'lowest = ownKeyRow - 2 * REACH + 1; highest = ownKeyRow - REACH;' : '';
  const names = ['k', 'v', ...(g.hasFading ? ['kFading', 'vFading'] : [])];
  return {
    name: parts.name,
    read: {
      ...rowBindings(names, g.Dh),
      ...(g.hasEidetic ? {positions: 'i32'} : {}),
      ...parts.read,
    },
    write: parts.write,
    uniforms: g.uniformNames,
    ...code.use,
    workgroups: spread(g.B * g.G * splits * g.C * blocks, limits),
    code: `
${g.code}
const PER_BLOCK: u32 = ${perBlock}u;
const NOWHERE: i32 = -1;
${TeamCode.addDot}
${code.tile('tileK', tile)}
${code.tile('tileV', tile)}
var<workgroup> tileRow: array<i32, ${tile}>;
fn isSeenRow(key: u32, lowest: i32, highest: i32) -> bool {
  let row = tileRow[key];
  return row != NOWHERE && row >= lowest && row <= highest;
}
${tilesFunction(tile)}
@compute @workgroup_size(${threads})
fn main(${code.parameters}) {
  ${workgroupNumber}
  let block = i32(workgroup % ${blocks}u);
  let chunk = i32(workgroup / ${blocks}u % CHUNKS);
  let split = workgroup / ${blocks}u / CHUNKS % ${splits}u;
  let group = workgroup / ${blocks}u / CHUNKS / ${splits}u % GROUPS;
  let batch = workgroup / ${blocks}u / CHUNKS / ${splits}u / GROUPS;
  if (batch >= BATCH) { return; }
  let firstOfBlock = firstQuery(chunk) + block * ${perBlock};
  let lastOfBlock = min(lastQuery(chunk), firstOfBlock + ${perBlock - 1});
  if (lastOfBlock < firstOfBlock) { return; }
  ${code.place}
  ${code.eachRow(
    r => `
  let row${r} = team * ${team.rows}u + ${r}u;
  let query${r} = firstOfBlock + i32(row${r} % PER_BLOCK);
  let isRow${r} = row${r} < ${rows}u && query${r} <= lastOfBlock;
  let head${r} = group * REPEATS + split * ${heads}u + min(row${r} / PER_BLOCK, ${heads - 1}u);
  let queryRow${r} = (batch * QUERIES + u32(min(query${r}, lastOfBlock))) * HEADS + head${r};`,
  )}
  let ownRowOfBlock = team * ${team.rows}u + ownRow;
  let ownQuery = min(firstOfBlock + i32(ownRowOfBlock % PER_BLOCK), lastOfBlock);
  let isOwn = ownRowOfBlock < ${rows}u && firstOfBlock + i32(ownRowOfBlock % PER_BLOCK) <= lastOfBlock;
  let ownHead = group * REPEATS + split * ${heads}u + min(ownRowOfBlock / PER_BLOCK, ${heads - 1}u);
  let ownQueryRow = (batch * QUERIES + u32(ownQuery)) * HEADS + ownHead;
  let ownKeyRow = queryOffset() + ownQuery;
  ${keyTiles(g, attrs)}
  ${begin}
  for (var t = 0; t < windowTiles + fadingTiles + storedTiles; t++) {
    let isWindow = t < windowTiles;
    let isFading = !isWindow && t < windowTiles + fadingTiles;
    workgroupBarrier();
    for (var slot = local; slot < ${tile * code.width}u; slot += ${threads}u) {
      let key = slot / ${code.width}u;
      let part = slot % ${code.width}u;
      var row = NOWHERE;
      if (isWindow) {
        row = windowFirst + t * ${tile} + i32(key);
        if (row > blockLastRow) { row = NOWHERE; }
      } else if (isFading) {
        row = fadingFirst + (t - windowTiles) * ${tile} + i32(key);
        if (row > fadingLast) { row = NOWHERE; }
      } else {
        let stored = u32(t - windowTiles - fadingTiles) * ${tile}u + key;
        ${g.hasEidetic ? 'if (stored < SLOTS) { row = max(NOWHERE, positions[(batch * CHUNKS + u32(chunk)) * SLOTS + stored]); }' : ''}
      }
      if (part == 0u) { tileRow[key] = row; }
      if (row == NOWHERE${code.width > g.vectors ? ` || part >= ${g.vectors}u` : ''}) {
        ${code.inTile('tileK', 'key', 'part')} = vec4f();
        ${code.inTile('tileV', 'key', 'part')} = vec4f();
      } else ${g.hasFading ? `if (isFading) {${tileOf(['kFading', 'vFading'], 'row')}\n      } else ` : ''}{${tileOf(['k', 'v'], 'row')}
      }
    }
    workgroupBarrier();
    var lowest = 0;
    var highest = i32(rows());
    if (isWindow) { lowest = ownKeyRow - REACH + 1; highest = ownKeyRow; }
    ${g.hasFading ? `if (isFading) { ${slidingBounds} }` : ''}
    for (var at = 0u; at < ${tile / team.batch}u; at++) {
      ${keys}
    }
  }
  ${end}
}`,
  };
}
