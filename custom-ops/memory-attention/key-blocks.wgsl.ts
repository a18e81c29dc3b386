// The frame of kernels that own keys: one thread for a row of keys (or a stored slot) and its gradients, streaming over
// the queries that can see it, a contiguous range, in workgroup memory. No atomics: every sum has one owner.

import type {Bindings, GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';

const THREADS = 64;
/** Queries handled in one go. */
const BATCH = 4;
/** Above this head width a thread's keys, values and both gradients outgrow the registers: two passes then. */
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

const names: Readonly<Record<KeySource, Names>> = {
  window: {k: 'k', v: 'v', gradK: 'gradK', gradV: 'gradV'},
  fading: {k: 'kFading', v: 'vFading', gradK: 'gradKFading', gradV: 'gradVFading'},
  stored: {k: 'k', v: 'v', gradK: 'storedK', gradV: 'storedV'},
};

/** WGSL functions `firstSeen(row)` and `lastSeen(row)`: the queries that see a row of this source; monotonic in row. */
function seenRange(source: KeySource, fading: string): string {
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

function ownerCode(source: KeySource): string {
  if (source === 'stored') {
    return `
  let slot = block * ${THREADS}u + local;
  let chunk = i32(outer % CHUNKS);
  let batch = outer / CHUNKS;
  if (batch >= BATCH) { return; }
  let owned = (batch * CHUNKS + u32(chunk)) * SLOTS + min(slot, SLOTS - 1u);
  let position = positions[owned];
  let isOwn = slot < SLOTS && position >= 0;
  let keyRow = (batch * rows() + u32(max(0, position))) * GROUPS + group;
  let gradRow = owned * GROUPS + group;
  let first = firstQuery(chunk);
  let last = lastQuery(chunk);
  let ownFirst = first;
  let ownLast = last;`;
  }
  return `
  let row = i32(block * ${THREADS}u + local);
  let batch = outer;
  if (batch >= BATCH) { return; }
  let lastRow = min(i32(rows()), i32(block + 1u) * ${THREADS}) - 1;
  let isOwn = row <= lastRow && row >= FIRST_ROW;
  let keyRow = (batch * rows() + u32(min(row, lastRow))) * GROUPS + group;
  let gradRow = keyRow;
  let first = max(0, firstSeen(i32(block) * ${THREADS}));
  let last = min(i32(QUERIES) - 1, lastSeen(lastRow));
  let ownFirst = firstSeen(row);
  let ownLast = lastSeen(row);`;
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
  const blocks = Math.ceil(rows / THREADS);
  const tile = Math.max(BATCH, Math.min(32, 2 ** Math.floor(Math.log2(8192 / (vectors * 16)))));
  const isLinked = source === 'window' && g.hasEidetic;
  const grads: [string, string, string][] = [];
  if (hasKeys) grads.push([own.gradK, 'dk', 'storedK']);
  if (hasValues) grads.push([own.gradV, 'dv', 'storedV']);
  const linked = isLinked ? ['links', ...grads.map(([, , stored]) => stored)] : [];
  const read: Bindings = {
    ...rowBindings([own.k, ...(hasKeys ? [own.v] : []), 'q', 'gradOut'], Dh),
    logSumExp: 'f32',
    ...(hasKeys ? {outDots: 'f32'} : {}),
    ...(source === 'stored' ? {positions: 'i32'} : {}),
    ...Object.fromEntries(
      linked.map(name => [name, name === 'links' ? 'i32' : rowBindings([name], Dh)[name]]),
    ),
  };
  return {
    name: `memoryAttention gradients of ${source} ${parts.join(' and ')}`,
    read,
    write: rowBindings(
      grads.map(([name]) => name),
      Dh,
    ),
    uniforms: g.uniformNames,
    workgroups: spread(outer * g.G * blocks, limits),
    code: `
${g.code}
${source === 'stored' ? '' : seenRange(source, attrs.fading)}
var<workgroup> tileQ: array<vec4f, ${tile * vectors}>;
var<workgroup> tileG: array<vec4f, ${tile * vectors}>;
var<workgroup> tileNumbers: array<vec2f, ${tile}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let block = workgroup % ${blocks}u;
  let group = workgroup / ${blocks}u % GROUPS;
  let outer = workgroup / ${blocks}u / GROUPS;
  ${ownerCode(source)}
  ${unroll(vectors, v => `let k${v} = SCALE * ${loadRow(own.k, 'keyRow', `${v}u`, Dh)};`)}
  ${hasKeys ? unroll(vectors, v => `let v${v} = ${loadRow(own.v, 'keyRow', `${v}u`, Dh)};`) : ''}
  ${grads.map(([, d]) => unroll(vectors, v => `var ${d}${v} = vec4f();`)).join('\n')}
  let tiles = (max(0, last - first + 1) + ${tile - 1}) / ${tile};
  for (var t = 0; t < tiles * i32(REPEATS); t++) {
    let h = group * REPEATS + u32(t / tiles);
    let begin = first + (t % tiles) * ${tile};
    workgroupBarrier();
    for (var slot = local; slot < ${tile * vectors}u; slot += ${THREADS}u) {
      let part = slot % ${vectors}u;
      let query = begin + i32(slot / ${vectors}u);
      let queryRow = (batch * QUERIES + u32(min(query, last))) * HEADS + h;
      tileQ[slot] = ${loadRow('q', 'queryRow', 'part', Dh)};
      tileG[slot] = ${loadRow('gradOut', 'queryRow', 'part', Dh)};
      if (part == 0u) { tileNumbers[slot / ${vectors}u] = vec2f(logSumExp[queryRow], ${hasKeys ? 'outDots[queryRow]' : '0.0'}); }
    }
    workgroupBarrier();
    for (var j = 0u; j < ${tile}u; j += ${BATCH}u) {
      let at = j * ${vectors}u;
      ${unroll(BATCH, b => `var s${b} = 0.0; var p${b} = 0.0;`)}
      ${unroll(vectors, v => unroll(BATCH, b => `s${b} += dot(k${v}, tileQ[at + ${b * vectors + v}u]);`))}
      ${hasKeys ? unroll(vectors, v => unroll(BATCH, b => `p${b} += dot(v${v}, tileG[at + ${b * vectors + v}u]);`)) : ''}
      ${unroll(
        BATCH,
        b => `
      {
        let query = begin + i32(j) + ${b};
        let isSeen = isOwn && query >= ownFirst && query <= min(ownLast, last);
        let numbers = tileNumbers[j + ${b}u];
        s${b} = select(0.0, exp(s${b} - numbers.x), isSeen);
        p${b} = SCALE * s${b} * (p${b} - numbers.y);
      }`,
      )}
      ${hasValues ? unroll(vectors, v => unroll(BATCH, b => `dv${v} += s${b} * tileG[at + ${b * vectors + v}u];`)) : ''}
      ${hasKeys ? unroll(vectors, v => unroll(BATCH, b => `dk${v} += p${b} * tileQ[at + ${b * vectors + v}u];`)) : ''}
    }
  }
  ${source === 'stored' ? 'if (slot >= SLOTS) { return; }' : 'if (row > lastRow) { return; }'}
  ${
    isLinked
      ? `var link = links[batch * rows() + u32(row)];
  while (link >= 0) {
    let stored = (batch * CHUNKS * SLOTS + u32(link)) * GROUPS + group;
    ${grads.map(([, d, from]) => unroll(vectors, v => `${d}${v} += ${loadRow(from, 'stored', `${v}u`, Dh)};`)).join('\n')}
    link = links[BATCH * rows() + batch * CHUNKS * SLOTS + u32(link)];
  }`
      : ''
  }
  ${grads.map(([name, d]) => unroll(vectors, v => storeRow(name, 'gradRow', v, `${d}${v}`, Dh))).join('\n')}
}`,
  };
}

export function keyPasses(request: AttentionRequest, g: Geometry, source: KeySource): Pass[] {
  const parts: Part[][] = g.Dh <= WIDEST_FUSED ? [['keys', 'values']] : [['keys'], ['values']];
  return parts.map(part => keyBlockPass(request, g, source, part));
}

/**
 * `links`: for each row, the first slot (chunk * me + slot) that stores it, else -1; after these, for each slot, the next
 * slot that stores the same row, else -1.
 */
export function linkPasses(g: Geometry, limits: GpuLimits): Pass[] {
  const rows = g.B * g.M;
  const slots = g.C * g.me;
  return [
    {
      name: 'memoryAttention clear links',
      read: {},
      write: {links: 'i32'},
      workgroups: spread(Math.ceil(rows / 256), limits),
      code: `
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index < ${rows}u) { links[index] = -1; }
}`,
    },
    {
      name: 'memoryAttention links',
      read: {positions: 'i32'},
      write: {links: 'i32'},
      workgroups: spread(Math.ceil((g.B * slots) / 64), limits),
      code: `
const SLOTS: u32 = ${slots}u;
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 64u + local;
  if (index >= ${g.B * slots}u) { return; }
  let batch = index / SLOTS;
  let slot = index % SLOTS;
  let row = positions[index];
  if (row < 0) { links[${rows}u + index] = -1; return; }
  // The same row usually stands in the chunks just before and after.
  var next = slot + 1u;
  while (next < SLOTS && positions[batch * SLOTS + next] != row) { next++; }
  links[${rows}u + index] = select(-1, i32(next), next < SLOTS);
  var before = i32(slot) - 1;
  while (before >= 0 && positions[batch * SLOTS + u32(before)] != row) { before--; }
  if (before < 0) { links[batch * ${g.M}u + u32(row)] = i32(slot); }
}`,
    },
  ];
}
