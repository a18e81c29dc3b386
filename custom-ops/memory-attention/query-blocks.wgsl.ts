// The frame of kernels that own queries: one workgroup for a block of queries of one chunk and the heads that share keys,
// one thread for a query and head, streaming over tiles of keys in workgroup memory: window, then fading, then stored.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings} from './geometry.wgsl.js';

const MAX_QUERIES = 64;
const MAX_THREADS = 128;

export interface QueryBlockParts {
  readonly name: string;
  readonly read: Bindings;
  readonly write: Bindings;
  /** Runs once for each thread before the keys: query `i`, head `h`, and `queryRow`, the row of q. */
  readonly begin: string;
  /** Runs for keys `key .. key + batch - 1` of the tile, in which `isSeen(key)` tells visibility. */
  readonly keys: string;
  readonly batch: number;
  /** Runs at the end, for threads with a query. */
  readonly end: string;
}

export function queryBlockPass(request: AttentionRequest, g: Geometry, parts: QueryBlockParts): Pass {
  const {attrs, limits} = request;
  const inChunk = Math.min(g.w, g.L);
  const blocks = Math.ceil(inChunk / MAX_QUERIES);
  const perBlock = Math.ceil(inChunk / blocks);
  let heads = g.repeats;
  while (heads > 1 && (g.repeats % heads !== 0 || heads * perBlock > MAX_THREADS)) heads--;
  const splits = g.repeats / heads;
  const threads = perBlock * heads;
  const tile = Math.max(parts.batch, Math.min(32, 2 ** Math.floor(Math.log2(8192 / (g.vectors * 16)))));
  const tileOf = (names: [string, string], row: string): string => `
        tileK[slot] = ${loadRow(names[0], `(batch * rows() + u32(${row})) * GROUPS + group`, 'part', g.Dh)};
        tileV[slot] = ${loadRow(names[1], `(batch * rows() + u32(${row})) * GROUPS + group`, 'part', g.Dh)};`;
  const fadingRange =
    attrs.fading === 'sliding'
      ? 'fadingFirst = max(FIRST_ROW, blockRow - 2 * REACH + 1); fadingLast = blockLastRow - REACH;'
      : `let start = queryOffset() + chunkStart(chunk);
  fadingFirst = max(FIRST_ROW, start - FADING); fadingLast = start - 1;`;
  const slidingBounds =
    attrs.fading === 'sliding' ? 'lowest = ownRow - 2 * REACH + 1; highest = ownRow - REACH;' : '';
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
    workgroups: spread(g.B * g.G * splits * g.C * blocks, limits),
    code: `
${g.code}
const PER_BLOCK: u32 = ${perBlock}u;
const NOWHERE: i32 = -1;
var<workgroup> tileK: array<vec4f, ${tile * g.vectors}>;
var<workgroup> tileV: array<vec4f, ${tile * g.vectors}>;
var<workgroup> tileRow: array<i32, ${tile}>;
fn isSeen(key: u32, lowest: i32, highest: i32) -> bool {
  let row = tileRow[key];
  return row != NOWHERE && row >= lowest && row <= highest;
}
fn tilesOf(first: i32, last: i32) -> i32 { return (max(0, last - first + 1) + ${tile - 1}) / ${tile}; }
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
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
  let ownQuery = firstOfBlock + i32(local % PER_BLOCK);
  let isOwn = ownQuery <= lastOfBlock;
  let i = u32(min(ownQuery, lastOfBlock));
  let h = group * REPEATS + split * ${heads}u + local / PER_BLOCK;
  let queryRow = (batch * QUERIES + i) * HEADS + h;
  let ownRow = queryOffset() + i32(i);
  let blockRow = queryOffset() + firstOfBlock;
  let blockLastRow = queryOffset() + lastOfBlock;
  let windowFirst = max(FIRST_ROW, blockRow - REACH + 1);
  let windowTiles = tilesOf(windowFirst, blockLastRow);
  var fadingFirst = 0;
  var fadingLast = -1;
  ${g.hasFading ? fadingRange : ''}
  let fadingTiles = tilesOf(fadingFirst, fadingLast);
  let storedTiles = tilesOf(0, i32(SLOTS) - 1);
  ${parts.begin}
  for (var t = 0; t < windowTiles + fadingTiles + storedTiles; t++) {
    let isWindow = t < windowTiles;
    let isFading = !isWindow && t < windowTiles + fadingTiles;
    workgroupBarrier();
    for (var slot = local; slot < ${tile * g.vectors}u; slot += ${threads}u) {
      let key = slot / ${g.vectors}u;
      let part = slot % ${g.vectors}u;
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
      if (row == NOWHERE) {
        tileK[slot] = vec4f();
        tileV[slot] = vec4f();
      } else ${g.hasFading ? `if (isFading) {${tileOf(['kFading', 'vFading'], 'row')}\n      } else ` : ''}{${tileOf(['k', 'v'], 'row')}
      }
    }
    workgroupBarrier();
    var lowest = 0;
    var highest = i32(rows());
    if (isWindow) { lowest = ownRow - REACH + 1; highest = ownRow; }
    ${g.hasFading ? `if (isFading) { ${slidingBounds} }` : ''}
    for (var key = 0u; key < ${tile}u; key += ${parts.batch}u) {
      ${parts.keys}
    }
  }
  if (!isOwn) { return; }
  ${parts.end}
}`,
  };
}
