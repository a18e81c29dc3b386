// The frame of kernels that own queries: one workgroup for a block of queries of one chunk and the heads that share keys,
// a team of lanes for some rows (a row is a query and head), streaming over tiles of keys in workgroup memory: window, then
// fading, then stored.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {rowBindings} from './geometry.wgsl.js';
import {keyTiles, tilesFunction} from './key-tiles.wgsl.js';
import {chooseTeam, MOST_THREADS, TeamCode, tileRows} from './team.wgsl.js';
import {fillTiles} from './tile-fill.wgsl.js';

const MAX_QUERIES = 64;
const MAX_ROWS = 128;

export interface QueryBlockParts {
  readonly name: string;
  readonly read: Bindings;
  readonly write: Bindings;
  /** WGSL at module scope. */
  readonly declarations?: string;
  /** Rows that a lane keeps for each row of q, and keys in one go. */
  readonly kept: number;
  readonly batch: number;
  /**
   * WGSL that runs once before the keys, for keys `at` of the tile, and at the end. Rows of q are `queryRow{r}`, with
   * `isRow{r}` whether they are this team's to store; `ownQueryRow` and `isOwn` those of the lane's scores, of which
   * {@link hideUnseen} drops what is not seen.
   */
  code(team: TeamCode): {begin: string; keys: string; end: string};
}

/** WGSL that puts `hidden` in place of those scores `s{i}` of a lane whose keys its own row does not see. */
export function hideUnseen(team: TeamCode, hidden: string): string {
  const seen = (i: number): string =>
    `isSeenRow(at * ${team.team.batch}u + ownFirst + ${i}u, lowest, highest)`;
  return `if (!isWhole) { ${team.eachScore(i => `s${i} = select(${hidden}, s${i}, ${seen(i)});`)} }`;
}

/** WGSL of the fading rows that the lane's own row sees, and whether all rows of the block see all of the tile. */
function fadingBounds({fading}: AttentionRequest['attrs']): string {
  if (fading === 'chunk') return 'isWhole = lastRow <= fadingLast;';
  return `lowest = ownKeyRow - 2 * REACH + 1; highest = ownKeyRow - REACH;
      isWhole = firstRow > blockLastRow - 2 * REACH && lastRow <= blockRow - REACH;`;
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
  const stored = g.hasEidetic
    ? `if (row < i32(SLOTS)) { row = max(NOWHERE, positions[(batch * CHUNKS + u32(chunk)) * SLOTS + u32(row)]); } else { row = NOWHERE; }`
    : '';
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
${parts.declarations ?? ''}
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
    let firstRow = select(
      select((t - windowTiles - fadingTiles) * ${tile}, fadingFirst + (t - windowTiles) * ${tile}, isFading),
      windowFirst + t * ${tile}, isWindow);
    workgroupBarrier();
    ${fillTiles(code, {
      threads,
      rows: tile,
      Dh: g.Dh,
      tiles: ['tileK', 'tileV'],
      locate: `var row = firstRow + i32(key);
        if (!isWindow && !isFading) { ${stored} }
        else if (row > select(fadingLast, blockLastRow, isWindow)) { row = NOWHERE; }`,
      bufferRow: '(batch * rows() + row) * GROUPS + group',
      sources: read =>
        g.hasFading
          ? `if (isFading) { ${read(['kFading', 'vFading'])} } else { ${read(['k', 'v'])} }`
          : read(['k', 'v']),
      remember: 'tileRow[key] = row;',
    })}
    workgroupBarrier();
    let lastRow = firstRow + ${tile - 1};
    var lowest = 0;
    var highest = i32(rows());
    var isWhole = isWindow && firstRow > blockLastRow - REACH && lastRow <= blockRow;
    if (isWindow) { lowest = ownKeyRow - REACH + 1; highest = ownKeyRow; }
    ${g.hasFading ? `if (isFading) { ${fadingBounds(attrs)} }` : ''}
    for (var at = 0u; at < ${tile / team.batch}u; at++) {
      ${keys}
    }
  }
  ${end}
}`,
  };
}
