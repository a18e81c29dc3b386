// Few queries: workgroups share the rows of each query in parts, in the order of the rows, and another merges the parts'
// lists. A list is kept sorted in workgroup memory; of new scores only those above its last one take part, and each one's
// place is the number of those before it, so that ties are exact.

import type {Dims} from '../op.js';
import {presentBindings} from '../wgsl/bindings.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, rowBindings} from '../wgsl/rows.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import type {SearchRequest} from './limits.wgsl.js';
import {isAdmitted, limits as limitCode, uniformNames, vectorsOf} from './limits.wgsl.js';

const THREADS = 256;
/** Rows of a part, about; parts of a query, at most, and of all queries, about. */
const ROWS_OF_PART = 2048;
const MOST_PARTS = 512;
const ALL_PARTS = 1024;
/** Lanes that share a row, at most. */
const MOST_LANES = 8;

/** A power of two, so that few pipelines serve a stream. */
export function partsOf({B, L, N, G}: Dims): number {
  const most = Math.max(1, Math.min(MOST_PARTS, powerOfTwo(ALL_PARTS / (B * L * G))));
  return Math.min(most, powerOfTwo(N / ROWS_OF_PART));
}

function lanesOf(vectors: number, subgroup: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, Math.min(MOST_LANES, subgroup, vectors))));
}

/** Entries of a list in the care of one thread. */
const entriesOf = (count: number): number => Math.ceil(count / THREADS);

function unroll(count: number, line: (i: number) => string): string {
  return Array.from({length: count}, (_, i) => line(i)).join('\n');
}

/** Bindings that lists are written to. */
interface Written {
  readonly rows: string;
  readonly scores: string;
}

const results: Written = {rows: 'rows', scores: 'scores'};

/** WGSL: a sorted list in workgroup memory, `keep(score, row, ok)` for a new entry of each thread, and its end. */
function listCode(count: number, {rows, scores}: Written): string {
  const entries = entriesOf(count);
  const forEach = (line: (n: number) => string): string =>
    unroll(entries, n => `{ let i = local + ${n * THREADS}u; if (i < COUNT) { ${line(n)} } }`);
  return `
var<workgroup> keptScores: array<f32, ${count}>;
var<workgroup> keptRows: array<i32, ${count}>;
var<workgroup> newScores: array<f32, ${THREADS}>;
var<workgroup> newRows: array<i32, ${THREADS}>;
var<workgroup> newCount: atomic<u32>;
fn clearList(local: u32) {
  ${forEach(() => 'keptScores[i] = NO_SCORE; keptRows[i] = -1;')}
  if (local == 0u) { atomicStore(&newCount, 0u); }
  workgroupBarrier();
}
// New rows are newer than those kept.
fn keep(score: f32, row: i32, mayBeKept: bool, local: u32) {
  if (mayBeKept && score > keptScores[COUNT - 1u]) {
    let at = atomicAdd(&newCount, 1u);
    newScores[at] = score;
    newRows[at] = row;
  }
  workgroupBarrier();
  let added = atomicLoad(&newCount);
  ${unroll(entries, n => `var score${n} = 0.0; var row${n} = -1; var place${n} = COUNT;`)}
  if (added > 0u) {
    ${forEach(
      n => `
    score${n} = keptScores[i];
    row${n} = keptRows[i];
    place${n} = i;
    for (var j = 0u; j < added; j++) { place${n} += select(0u, 1u, newScores[j] > score${n}); }`,
    )}
  }
  var newPlace = COUNT;
  var ownScore = 0.0;
  var ownRow = -1;
  if (local < added) {
    ownScore = newScores[local];
    ownRow = newRows[local];
    newPlace = 0u;
    for (var j = 0u; j < added; j++) {
      newPlace += select(0u, 1u, newScores[j] > ownScore || (newScores[j] == ownScore && newRows[j] < ownRow));
    }
    for (var i = 0u; i < COUNT; i++) { newPlace += select(0u, 1u, keptScores[i] >= ownScore); }
  }
  workgroupBarrier();
  ${unroll(entries, n => `if (place${n} < COUNT) { keptScores[place${n}] = score${n}; keptRows[place${n}] = row${n}; }`)}
  if (newPlace < COUNT) { keptScores[newPlace] = ownScore; keptRows[newPlace] = ownRow; }
  if (local == 0u) { atomicStore(&newCount, 0u); }
  workgroupBarrier();
}
fn writeList(list: u32, local: u32) {
  ${forEach(() => `${rows}[list * COUNT + i] = keptRows[i]; ${scores}[list * COUNT + i] = keptScores[i];`)}
}`;
}

function partsPass(request: SearchRequest, parts: number): Pass {
  const {dims, attrs, limits, present} = request;
  const {B, L, G, Dh} = dims;
  const written = parts > 1 ? {rows: 'partRows', scores: 'partScores'} : results;
  const vectors = vectorsOf(dims);
  const lanes = lanesOf(vectors, limits.subgroup);
  const spans = Math.ceil(vectors / lanes);
  const load = (name: string, row: string, c: number): string =>
    load4({name, width: Dh, reach: spans * lanes}, row, `(lane + ${c * lanes}u)`);
  const partials = Array.from({length: lanes}, (_, j) => `part${j}`);
  const {code, sums} = butterfly(partials, maskBits(lanes / 2, 1), 'lane', 'sum');
  return {
    name: 'exactSearch parts',
    read: {...rowBindings(['q', 'k'], Dh), ...presentBindings(['admitted'], present, 'i32')},
    write: {[written.rows]: 'i32', [written.scores]: 'f32'},
    uniforms: uniformNames,
    ...(lanes > 1 ? {subgroups: true} : {}),
    workgroups: spread(B * L * G * parts, limits),
    code: `
${limitCode(request)}
${listCode(attrs.count, written)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${B * L * G * parts}u) { return; }
  let queryRow = workgroup / ${parts}u;
  let group = queryRow % GROUPS;
  let query = queryRow / GROUPS % QUERIES;
  let batch = queryRow / GROUPS / QUERIES;
  let lane = local % ${lanes}u;
  ${unroll(spans, c => `let q${c} = ${load('q', 'queryRow', c)};`)}
  let first = i32(workgroup % ${parts}u) * i32(uniforms.rowsOfPart);
  let end = min(first + i32(uniforms.rowsOfPart), limitOf(query));
  clearList(local);
  for (var begin = first; begin < end; begin += ${THREADS}) {
    let own = begin + i32(local);
    ${unroll(
      lanes,
      j => `
    var part${j} = 0.0;
    {
      let row = (batch * u32(rowCount()) + u32(min(own - i32(lane) + ${j}, end - 1))) * GROUPS + group;
      ${unroll(spans, c => `part${j} += dot(q${c}, ${load('k', 'row', c)});`)}
    }`,
    )}
    ${code}
    var mayBeKept = own < end;
    if (mayBeKept) { mayBeKept = ${isAdmitted(request, 'own')}; }
    keep(${sums[0]}, own, mayBeKept, local);
  }
  writeList(workgroup, local);
}`,
  };
}

function mergePass({dims, attrs: {count}, limits}: SearchRequest, parts: number): Pass {
  const lists = dims.B * dims.L * dims.G;
  return {
    name: 'exactSearch merge',
    read: {partRows: 'i32', partScores: 'f32'},
    write: {rows: 'i32', scores: 'f32'},
    workgroups: spread(lists, limits),
    code: `
const COUNT: u32 = ${count}u;
const NO_SCORE: f32 = -1e30;
${listCode(count, results)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${lists}u) { return; }
  clearList(local);
  for (var begin = 0u; begin < ${parts * count}u; begin += ${THREADS}u) {
    let isEntry = begin + local < ${parts * count}u;
    let at = workgroup * ${parts * count}u + min(begin + local, ${parts * count - 1}u);
    keep(partScores[at], partRows[at], isEntry, local);
  }
  writeList(workgroup, local);
}`,
  };
}

export function byRows(request: SearchRequest): Plan {
  const parts = partsOf(request.dims);
  const {B, L, G, R} = request.dims;
  if (parts === 1) return {passes: [partsPass(request, 1)]};
  const entries = B * L * G * parts * R;
  return {
    scratch: {partRows: entries, partScores: entries},
    passes: [partsPass(request, parts), mergePass(request, parts)],
  };
}
