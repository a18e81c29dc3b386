// Few queries: workgroups share the rows of each query in parts, in the order of the rows, and another merges the parts'
// lists. A thread reads several rows before it offers them to its workgroup's list, so that reading seldom waits for choosing.

import type {Dims} from '../op.js';
import {presentBindings} from '../wgsl/bindings.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, rowBindings} from '../wgsl/rows.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import {bestRows, listUse, THREADS} from './best-rows.wgsl.js';
import type {SearchRequest} from './limits.wgsl.js';
import {isAdmitted, limits as limitCode, uniformNames, unroll, vectorsOf} from './limits.wgsl.js';

/** Rows of a part, about; parts of a query, at most, and of all queries, about. */
const ROWS_OF_PART = 1024;
const MOST_PARTS = 1024;
const ALL_PARTS = 1024;
/** Lanes that share a row, at most. */
const MOST_LANES = 8;
/** Rows, and entries of parts' lists, that a thread offers at once, at most: a part, and the lists of many, at one time. */
const MOST_ROWS_OFFERED = 4;
const MOST_ENTRIES_OFFERED = 16;

/** A power of two, so that few plans serve a stream. */
export function partsOf({B, L, N, G}: Dims): number {
  const most = Math.max(1, Math.min(MOST_PARTS, powerOfTwo(ALL_PARTS / (B * L * G))));
  return Math.min(most, powerOfTwo(N / ROWS_OF_PART));
}

function lanesOf(vectors: number, subgroup: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, Math.min(MOST_LANES, subgroup, vectors))));
}

function partsPass(request: SearchRequest, parts: number): Pass {
  const {dims, attrs, limits, present} = request;
  const {B, L, G, Dh, N} = dims;
  const written = parts > 1 ? {rows: 'partRows', scores: 'partScores'} : {rows: 'rows', scores: 'scores'};
  const vectors = vectorsOf(dims);
  const lanes = lanesOf(vectors, limits.subgroup);
  const spans = Math.ceil(vectors / lanes);
  const offers = Math.min(MOST_ROWS_OFFERED, powerOfTwo(N / parts / THREADS));
  const list = {count: attrs.count, offers, subgroup: limits.subgroup};
  const load = (name: string, row: string, c: number): string =>
    load4({name, width: Dh, reach: spans * lanes}, row, `(lane + ${c * lanes}u)`);
  const partials = Array.from({length: lanes}, (_, j) => `part${j}`);
  const {code, sums} = butterfly(partials, maskBits(lanes / 2, 1), 'lane', 'sum');
  return {
    name: 'exactSearch parts',
    read: {...rowBindings(['q', 'k'], Dh), ...presentBindings(['admitted'], present, 'i32')},
    write: {[written.rows]: 'i32', [written.scores]: 'f32'},
    uniforms: [...uniformNames, 'parts'],
    ...(lanes > 1 ? {subgroups: true} : listUse(list)),
    workgroups: spread(B * L * G * parts, limits),
    code: `
${limitCode(request)}
${bestRows(list, written)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let parts = u32(uniforms.parts);
  let queryRow = workgroup / parts;
  if (queryRow >= ${B * L * G}u) { return; }
  let group = queryRow % GROUPS;
  let query = queryRow / GROUPS % QUERIES;
  let batch = queryRow / GROUPS / QUERIES;
  let lane = local % ${lanes}u;
  ${unroll(spans, c => `let q${c} = ${load('q', 'queryRow', c)};`)}
  let first = i32(workgroup % parts) * i32(uniforms.rowsOfPart);
  let end = min(first + i32(uniforms.rowsOfPart), limitOf(query));
  clearList(local);
  for (var begin = first; begin < end; begin += ${offers * THREADS}) {
    for (var n = 0; n < ${offers}; n++) {
      let own = begin + n * ${THREADS} + i32(local);
      ${unroll(
        lanes,
        j => `
      var ${partials[j]} = 0.0;
      {
        let row = (batch * u32(rowCount()) + u32(min(own - i32(lane) + ${j}, end - 1))) * GROUPS + group;
        ${unroll(spans, c => `${partials[j]} += dot(q${c}, ${load('k', 'row', c)});`)}
      }`,
      )}
      ${code}
      var mayBeKept = own < end && ${sums[0]} > NO_SCORE;
      if (mayBeKept) { mayBeKept = ${isAdmitted(request, 'own')}; }
      ownScores[n] = select(NO_SCORE, ${sums[0]}, mayBeKept);
      ownRows[n] = own;
    }
    keep(begin == first, local);
  }
  writeList(workgroup, local);
}`,
  };
}

function mergePass({dims, attrs: {count}, limits}: SearchRequest, parts: number): Pass {
  const lists = dims.B * dims.L * dims.G;
  const offers = Math.min(MOST_ENTRIES_OFFERED, powerOfTwo((parts * count) / THREADS));
  const list = {count, offers, subgroup: limits.subgroup};
  return {
    name: 'exactSearch merge',
    read: {partRows: 'i32', partScores: 'f32'},
    write: {rows: 'i32', scores: 'f32'},
    uniforms: ['parts'],
    ...listUse(list),
    workgroups: spread(lists, limits),
    code: `
const COUNT: u32 = ${count}u;
const NO_SCORE: f32 = -1e30;
${bestRows(list, {rows: 'rows', scores: 'scores'})}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${lists}u) { return; }
  clearList(local);
  let entries = u32(uniforms.parts) * COUNT;
  for (var begin = 0u; begin < entries; begin += ${offers * THREADS}u) {
    for (var n = 0u; n < ${offers}u; n++) {
      let entry = begin + n * ${THREADS}u + local;
      let at = workgroup * entries + min(entry, entries - 1u);
      ownScores[n] = select(NO_SCORE, partScores[at], entry < entries);
      ownRows[n] = partRows[at];
    }
    keep(begin == 0u, local);
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
