// Kernels on matrix units whose workgroups own queries of one chunk and head, and walk over tiles of keys: window, then
// fading, then stored.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {keyTiles, tilesFunction} from './key-tiles.wgsl.js';
import {factorType, keyRowsOrder} from './matrix-rows.wgsl.js';
import type {MatrixTeam} from './matrix-team.js';
import {ownRows} from './matrix-team.js';
import type {WalkParts} from './matrix-walk.wgsl.js';
import {MatrixWalk} from './matrix-walk.wgsl.js';

/** What a kernel adds to the frame: tiles are tileK and tileV, rows of q `queryRow{i}`, `isRow{i}` whether to store them. */
export interface QueryWalk
  extends Pick<WalkParts, 'owners' | 'tiles' | 'products' | 'sums' | 'lanes' | 'again'> {
  readonly name: string;
  readonly read: Bindings;
  readonly write: Bindings;
  readonly declarations?: string;
  /** WGSL before and after the walk. */
  before(walk: MatrixWalk): string;
  after(walk: MatrixWalk): string;
}

/** WGSL that puts `hidden` in place of `{name}{n}`, numbers of a lane's i-th row, where the row does not see the key. */
export function hide(walk: MatrixWalk, name: string, i: number, hidden: string): string {
  const {tile} = walk.team;
  const slots = [0, 1, 2, 3].map(c => `isStored(firstRow + keys[${c}], slots)`).join(', ');
  return `
      if (!isWhole) {
        var lowest = 0;
        var highest = ${tile};
        if (isWindow) { lowest = keyRow${i} - REACH + 1 - firstRow; highest = keyRow${i} - firstRow; }
        if (isFading) { lowest = fadingFrom(keyRow${i}) - firstRow; highest = fadingTo(keyRow${i}, fadingLast) - firstRow; }
        ${walk.eachQuad(
          (n, quad) => `{
          let keys = 4 * i32(${quad}) + vec4i(0, 1, 2, 3);
          var isSeen = (keys >= vec4i(lowest)) & (keys <= vec4i(highest));
          if (!isWindow && !isFading) { isSeen = vec4<bool>(${slots}); }
          ${name}${n} = select(vec4f(${hidden}), ${name}${n}, isSeen);
        }`,
        )}
      }`;
}

/** Which tile is which, and its first row of keys, or slot of the chunk, of WGSL `t`. */
function kindOfTile(t: string, tile: number): string {
  return `
    let isWindow = ${t} < windowTiles;
    let isFading = !isWindow && ${t} < windowTiles + fadingTiles;
    let firstRow = select(
      select((${t} - windowTiles - fadingTiles) * ${tile}, fadingFirst + (${t} - windowTiles) * ${tile}, isFading),
      windowFirst + ${t} * ${tile}, isWindow);`;
}

function walkParts(g: Geometry, own: QueryWalk, tile: number): WalkParts {
  return {
    ...own,
    Dh: g.Dh,
    begin: `${kindOfTile('n', tile)}
      let lastRow = select(select(i32(SLOTS) - 1, fadingLast, isFading), blockLastRow, isWindow);
      let before = select(select(slotRows, fadingRows, isFading), exactRows, isWindow);`,
    locate: line => `(before + u32(min(firstRow + ${line}, lastRow))) * GROUPS + group`,
    lanes: walk => `${kindOfTile('t', tile)}
    let lastRow = firstRow + ${tile - 1};
    var isWhole = isWindow && firstRow > blockLastRow - REACH && lastRow <= blockRow;
    if (isFading) { isWhole = firstRow >= fadingFrom(blockLastRow) && lastRow <= fadingTo(blockRow, fadingLast); }
    ${own.lanes(walk)}`,
  };
}

export function queryWalkPass(
  request: AttentionRequest,
  g: Geometry,
  team: MatrixTeam,
  own: QueryWalk,
): Pass {
  const {attrs, limits} = request;
  const {unit, tile} = team;
  const perBlock = ownRows(team, unit);
  const blocks = Math.ceil(Math.min(g.w, g.L) / perBlock);
  const isSliding = attrs.fading === 'sliding';
  const walk = new MatrixWalk(team, walkParts(g, own, tile));
  const {type} = factorType(unit.factor);
  return {
    name: own.name,
    read: {
      keyRows: type,
      valueRows: type,
      ...(g.hasEidetic ? {positions: 'i32'} : {}),
      ...own.read,
    },
    write: own.write,
    uniforms: g.uniformNames,
    matrices: true,
    workgroups: spread(g.B * g.H * g.C * blocks, limits),
    code: `
${g.code}
${walk.declarations}
${tilesFunction(tile)}
// Fading rows that the query of row \`own\` sees; \`last\` is the last that any of its block sees.
fn fadingFrom(own: i32) -> i32 { return ${isSliding ? 'own - 2 * REACH + 1' : '0'}; }
fn fadingTo(own: i32, last: i32) -> i32 { return ${isSliding ? 'own - REACH' : 'last'}; }
${keyRowsOrder(g)}
${own.declarations ?? ''}
// Whether a slot of those from \`slots\` on names a row.
fn isStored(slot: i32, slots: u32) -> bool {
  ${g.hasEidetic ? 'if (slot < i32(SLOTS)) { return positions[slots + u32(slot)] >= 0; }' : ''}
  return false;
}
@compute @workgroup_size(${walk.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let block = i32(workgroup % ${blocks}u);
  let chunk = i32(workgroup / ${blocks}u % CHUNKS);
  let head = workgroup / ${blocks}u / CHUNKS % HEADS;
  let batch = workgroup / ${blocks}u / CHUNKS / HEADS;
  if (batch >= BATCH) { return; }
  let group = head / REPEATS;
  let firstOfBlock = firstQuery(chunk) + block * ${perBlock};
  let lastOfBlock = min(lastQuery(chunk), firstOfBlock + ${perBlock - 1});
  if (lastOfBlock < firstOfBlock) { return; }
  ${walk.place}
  ${walk.eachMatrix(
    i => `
  let query${i} = min(firstOfBlock + i32(line${i}), lastOfBlock);
  let isRow${i} = firstOfBlock + i32(line${i}) <= lastOfBlock;
  let queryRow${i} = (batch * QUERIES + u32(query${i})) * HEADS + head;
  let keyRow${i} = queryOffset() + query${i};`,
  )}
  ${keyTiles(g, attrs)}
  let tiles = windowTiles + fadingTiles + storedTiles;
  let slots = (batch * CHUNKS + u32(chunk)) * SLOTS;
  let exactRows = batch * rows();
  let fadingRows = firstFadingRow() + exactRows;
  let slotRows = firstSlotRow() + slots;
  ${own.before(walk)}
  ${walk.walk}
  ${own.after(walk)}
}`,
  };
}
