// The frame of kernels that own keys: a team of lanes for some rows of keys (or stored slots) and their gradients, streaming
// over the queries that can see them, a contiguous range, in workgroup memory. No atomics: every sum has one owner.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';
import {chooseTeam, lanesFor, MOST_THREADS, TeamCode, tileRows} from './team.wgsl.js';

/** Keys of a workgroup, at most. */
const KEYS = 64;
/** Queries handled in one go. */
const BATCH = 4;
/** Above this head width the registers of a lane alone do not hold keys, values and both gradients: two passes then. */
const WIDEST_FUSED = 32;

/** Which memory's rows the threads own. */
export type KeySource = 'window' | 'fading' | 'stored';
type Part = 'keys' | 'values';

interface Names {
  readonly k: string;
  readonly v: string;
  readonly gradK: string;
  readonly gradV: string;
}

export const names: Readonly<Record<KeySource, Names>> = {
  window: {k: 'k', v: 'v', gradK: 'gradK', gradV: 'gradV'},
  fading: {k: 'kFading', v: 'vFading', gradK: 'gradKFading', gradV: 'gradVFading'},
  stored: {k: 'k', v: 'v', gradK: 'storedK', gradV: 'storedV'},
};

/** WGSL functions `firstSeen(row)` and `lastSeen(row)`: the queries that see a row of this source; monotonic in row. */
export function seenRange(source: KeySource, fading: string): string {
  if (source === 'window') {
    return `
fn firstSeen(row: i32) -> i32 { return row - queryOffset(); }
fn lastSeen(row: i32) -> i32 { return row - queryOffset() + REACH - 1; }`;
  }
  if (fading === 'sliding') {
    return `
fn firstSeen(row: i32) -> i32 { return row - queryOffset() + REACH; }
fn lastSeen(row: i32) -> i32 { return row - queryOffset() + 2 * REACH - 1; }`;
  }
  return `
fn floorChunk(query: i32) -> i32 {
  let shifted = query + phase();
  return select(shifted / CHUNK, -((CHUNK - 1 - shifted) / CHUNK), shifted < 0);
}
fn firstSeen(row: i32) -> i32 { return chunkStart(floorChunk(row - queryOffset()) + 1); }
fn lastSeen(row: i32) -> i32 { return chunkStart(floorChunk(row - queryOffset() + FADING) + 1) - 1; }`;
}

/** What the team's row `row` of the block is: `isRow`, `keyRow` of k, `gradRow` of its gradient; names end with `r`. */
export function ownerRow(source: KeySource, row: string, r: string): string {
  if (source === 'stored') {
    return `
  let slot${r} = ${row};
  let owned${r} = (batch * CHUNKS + u32(chunk)) * SLOTS + min(slot${r}, SLOTS - 1u);
  let position${r} = positions[owned${r}];
  let isRow${r} = slot${r} < SLOTS;
  let isSeen${r} = isRow${r} && position${r} >= 0;
  let keyRow${r} = (batch * rows() + u32(max(0, position${r}))) * GROUPS + group;
  let gradRow${r} = owned${r} * GROUPS + group;`;
  }
  return `
  let row${r} = i32(${row});
  let isRow${r} = row${r} <= lastRow;
  let isSeen${r} = isRow${r} && row${r} >= earliestRow();
  let keyRow${r} = (batch * rows() + u32(min(row${r}, lastRow))) * GROUPS + group;
  let gradRow${r} = keyRow${r};`;
}

/** Queries `first` .. `last` that see keys of this block, of `keys` rows. */
export function ownerRange(source: KeySource, keys: number): string {
  if (source === 'stored') {
    return `
  let chunk = i32(outer % CHUNKS);
  let batch = outer / CHUNKS;
  if (batch >= BATCH) { return; }
  let first = firstQuery(chunk);
  let last = lastQuery(chunk);`;
  }
  return `
  let batch = outer;
  if (batch >= BATCH) { return; }
  let lastRow = min(i32(rows()), i32(block + 1u) * ${keys}) - 1;
  let first = max(0, firstSeen(i32(block) * ${keys}));
  let last = min(i32(QUERIES) - 1, lastSeen(lastRow));`;
}

/** WGSL of the queries that see every key of the block: `wholeFirst` .. `wholeLast`. */
export function wholeRange(source: KeySource, keys: number): string {
  if (source === 'stored') return 'let wholeFirst = last + 1; let wholeLast = last;';
  return `
  let blockFirst = i32(block) * ${keys};
  let wholeFirst = select(last + 1, firstSeen(lastRow), blockFirst >= earliestRow());
  let wholeLast = min(last, lastSeen(blockFirst));`;
}

function keyBlockPass(
  request: AttentionRequest,
  g: Geometry,
  source: KeySource,
  parts: readonly Part[],
): Pass {
  const {attrs, limits} = request;
  const {vectors, Dh} = g;
  const own = names[source];
  const hasKeys = parts.includes('keys');
  const hasValues = parts.includes('values');
  const rows = source === 'stored' ? g.me : g.M;
  const outer = source === 'stored' ? g.B * g.C : g.B;
  const kept = hasKeys && hasValues ? 4 : 3;
  const team = chooseTeam({vectors, kept, rows, batch: BATCH}, limits);
  const code = new TeamCode(team, vectors);
  const most = (Math.min(MOST_THREADS, limits.invocations) * team.rows) / team.lanes;
  const keys = Math.min(KEYS, most);
  const threads = (keys / team.rows) * team.lanes;
  const blocks = Math.ceil(rows / keys);
  const tile = tileRows(code, {tiles: 2, words: 2}, limits);
  const load = (name: string, row: string, c: number): string =>
    loadRow(name, row, code.vector(c), Dh, code.width);
  const grads: [string, string][] = [];
  if (hasKeys) grads.push([own.gradK, 'dk']);
  if (hasValues) grads.push([own.gradV, 'dv']);
  const read: Bindings = {
    ...rowBindings([own.k, ...(hasKeys ? [own.v] : []), 'q', 'gradOut'], Dh),
    logSumExp: 'f32',
    ...(hasKeys ? {outDots: 'f32'} : {}),
    ...(source === 'stored' ? {positions: 'i32'} : {}),
  };
  return {
    name: `memoryAttention gradients of ${source} ${parts.join(' and ')}`,
    read,
    write: rowBindings(
      grads.map(([name]) => name),
      Dh,
    ),
    uniforms: g.uniformNames,
    ...code.use,
    workgroups: spread(outer * g.G * blocks, limits),
    code: `
${g.code}
${source === 'stored' ? '' : seenRange(source, attrs.fading)}
${TeamCode.addDot}
${code.tile('tileQ', tile)}
${code.tile('tileG', tile)}
var<workgroup> tileNumbers: array<vec2f, ${tile}>;
@compute @workgroup_size(${threads})
fn main(${code.parameters}) {
  ${workgroupNumber}
  let block = workgroup % ${blocks}u;
  let group = workgroup / ${blocks}u % GROUPS;
  let outer = workgroup / ${blocks}u / GROUPS;
  ${ownerRange(source, keys)}
  ${code.place}
  ${code.eachRow(r => ownerRow(source, `block * ${keys}u + team * ${team.rows}u + ${r}u`, `${r}`))}
  ${ownerRow(source, `block * ${keys}u + team * ${team.rows}u + ownRow`, 'Own')}
  let ownFirstQuery = ${source === 'stored' ? 'first' : 'firstSeen(rowOwn)'};
  let ownLastQuery = ${source === 'stored' ? 'last' : 'min(last, lastSeen(rowOwn))'};
  ${code.eachVector((r, c) => `let k${r}_${c} = SCALE * ${load(own.k, `keyRow${r}`, c)};`)}
  ${hasKeys ? code.eachVector((r, c) => `let v${r}_${c} = ${load(own.v, `keyRow${r}`, c)};`) : ''}
  ${grads.map(([, d]) => code.eachVector((r, c) => `var ${d}${r}_${c} = vec4f();`)).join('\n')}
  let tiles = (max(0, last - first + 1) + ${tile - 1}) / ${tile};
  for (var t = 0; t < tiles * i32(REPEATS); t++) {
    let h = group * REPEATS + u32(t / tiles);
    let begin = first + (t % tiles) * ${tile};
    workgroupBarrier();
    for (var slot = local; slot < ${tile * code.width}u; slot += ${threads}u) {
      let line = slot / ${code.width}u;
      let part = slot % ${code.width}u;
      let query = begin + i32(line);
      let queryRow = (batch * QUERIES + u32(min(query, last))) * HEADS + h;
      ${code.inTile('tileQ', 'line', 'part')} = ${loadRow('q', 'queryRow', 'part', Dh, code.width)};
      ${code.inTile('tileG', 'line', 'part')} = ${loadRow('gradOut', 'queryRow', 'part', Dh, code.width)};
      if (part == 0u) { tileNumbers[line] = vec2f(logSumExp[queryRow], ${hasKeys ? 'outDots[queryRow]' : '0.0'}); }
    }
    workgroupBarrier();
    for (var at = 0u; at < ${tile / team.batch}u; at++) {
      ${code.multiply('s', 'k', 'tileQ')}
      ${hasKeys ? code.multiply('p', 'v', 'tileG') : ''}
      ${code.eachScore(
        i => `
      {
        let line = at * ${team.batch}u + ownFirst + ${i}u;
        let query = begin + i32(line);
        let numbers = tileNumbers[line];
        s${i} = select(0.0, exp(min(s${i} - numbers.x, 0.0)), isSeenOwn && query >= ownFirstQuery && query <= ownLastQuery);
        ${hasKeys ? `p${i} = SCALE * s${i} * (p${i} - numbers.y);` : ''}
      }`,
      )}
      ${hasValues ? code.accumulate('dv', 's', 'tileG') : ''}
      ${hasKeys ? code.accumulate('dk', 'p', 'tileQ') : ''}
    }
  }
  ${code.eachRow(
    r => `
  if (isRow${r}) {
    ${grads.map(([name, d]) => unroll(code.spans, c => storeRow(name, `gradRow${r}`, code.vector(c), `${d}${r}_${c}`, Dh, code.width))).join('\n')}
  }`,
  )}
}`,
  };
}

export function keyPasses(request: AttentionRequest, g: Geometry, source: KeySource): Pass[] {
  const isFused = g.Dh <= WIDEST_FUSED || lanesFor(g.vectors, request.limits) > 1;
  const parts: Part[][] = isFused ? [['keys', 'values']] : [['keys'], ['values']];
  return parts.map(part => keyBlockPass(request, g, source, part));
}
