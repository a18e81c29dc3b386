// Many queries: a thread owns one, and a workgroup's threads, consecutive queries of a group, meet tiles of rows in
// workgroup memory. Each keeps its list in the places of its results and the last score in a register.

import type {Dims} from '../op.js';
import {presentBindings} from '../wgsl/bindings.js';
import type {Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, rowBindings} from '../wgsl/rows.js';
import type {SearchRequest} from './limits.wgsl.js';
import {isAdmitted, limits as limitCode, uniformNames, vectorsOf} from './limits.wgsl.js';

/** Queries of a workgroup. */
const QUERIES = 64;
/** Rows whose products a thread forms at once. */
const BATCH = 4;
const MOST_TILE = 64;

export function queryWorkgroups({B, L, G}: Dims): number {
  return B * G * Math.ceil(L / QUERIES);
}

export function byQueries(request: SearchRequest): Plan {
  const {dims, limits, present} = request;
  const {Dh} = dims;
  const vectors = vectorsOf(dims);
  const blocks = Math.ceil(dims.L / QUERIES);
  const inTile = 2 ** Math.floor(Math.log2(limits.workgroupBytes / (16 * vectors)));
  const tile = Math.max(BATCH, Math.min(MOST_TILE, inTile));
  const each = (line: (i: number) => string): string =>
    Array.from({length: BATCH}, (_, i) => line(i)).join(' ');
  const load = (name: string, row: string, v: string): string =>
    load4({name, width: Dh, reach: vectors}, row, v);
  return {
    passes: [
      {
        name: 'exactSearch by queries',
        read: {...rowBindings(['q', 'k'], Dh), ...presentBindings(['admitted'], present, 'i32')},
        write: {rows: 'i32', scores: 'f32'},
        uniforms: uniformNames,
        workgroups: spread(queryWorkgroups(dims), limits),
        code: `
${limitCode(request)}
var<workgroup> tile: array<array<vec4f, ${vectors}>, ${tile}>;
@compute @workgroup_size(${QUERIES})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let block = workgroup % ${blocks}u;
  let group = workgroup / ${blocks}u % GROUPS;
  let batch = workgroup / ${blocks}u / GROUPS;
  if (batch >= BATCH) { return; }
  let lastQuery = min(QUERIES - 1u, block * ${QUERIES}u + ${QUERIES - 1}u);
  let query = min(lastQuery, block * ${QUERIES}u + local);
  let isOwn = block * ${QUERIES}u + local <= lastQuery;
  let queryRow = (batch * QUERIES + query) * GROUPS + group;
  let list = queryRow * COUNT;
  var own: array<vec4f, ${vectors}>;
  for (var v = 0u; v < ${vectors}u; v++) { own[v] = ${load('q', 'queryRow', 'v')}; }
  let limit = select(0, limitOf(query), isOwn);
  var last = NO_SCORE;
  if (isOwn) {
    for (var r = 0u; r < COUNT; r++) { rows[list + r] = -1; scores[list + r] = NO_SCORE; }
  }
  // Limits never fall from a query to the next.
  let end = limitOf(lastQuery);
  for (var begin = 0; begin < end; begin += ${tile}) {
    workgroupBarrier();
    for (var slot = local; slot < ${tile * vectors}u; slot += ${QUERIES}u) {
      let row = min(begin + i32(slot / ${vectors}u), end - 1);
      let v = slot % ${vectors}u;
      tile[slot / ${vectors}u][v] = ${load('k', '(batch * u32(rowCount()) + u32(row)) * GROUPS + group', 'v')};
    }
    workgroupBarrier();
    for (var at = 0; at < ${tile} && begin + at < limit; at += ${BATCH}) {
      ${each(i => `var s${i} = 0.0;`)}
      for (var v = 0u; v < ${vectors}u; v++) { ${each(i => `s${i} += dot(own[v], tile[at + ${i}][v]);`)} }
      ${each(
        i => `
      if (s${i} > last && begin + at + ${i} < limit) {
        let row = begin + at + ${i};
        if (${isAdmitted(request, 'row')}) {
          var place = COUNT - 1u;
          while (place > 0u && scores[list + place - 1u] < s${i}) {
            scores[list + place] = scores[list + place - 1u];
            rows[list + place] = rows[list + place - 1u];
            place--;
          }
          scores[list + place] = s${i};
          rows[list + place] = row;
          last = scores[list + COUNT - 1u];
        }
      }`,
      )}
    }
  }
}`,
      },
    ],
  };
}
