// The places that name each row, row by row, in their order: a sort by counting, of which one workgroup for each sequence
// and group makes every step, so that nothing depends on which thread comes first.

import type {Pass, PlanRequest} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';

const THREADS = 256;

/**
 * `order` [B, G, L R]: numbers of places (query R + place), those of row m from starts[m] to starts[m + 1]; `starts` is
 * [B, G, M + 1]. `ranks` [B, G, L R] is room to work: how many places before name the same row.
 */
export function orderPass({dims: {B, L, M, G, R}, limits}: PlanRequest): Pass {
  return {
    name: 'retrievedAttention order of places',
    read: {rows: 'i32'},
    write: {starts: 'u32', ranks: 'u32', order: 'u32'},
    workgroups: spread(B * G, limits),
    code: `
${constants({QUERIES: L, ROWS: M, GROUPS: G, PLACES: R, ALL: L * R})}
var<workgroup> batchRows: array<i32, ${THREADS}>;
var<workgroup> sums: array<u32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${B * G}u) { return; }
  let group = workgroup % GROUPS;
  let batch = workgroup / GROUPS;
  let first = workgroup * ALL;
  let counts = workgroup * (ROWS + 1u);
  for (var row = local; row <= ROWS; row += ${THREADS}u) { starts[counts + row] = 0u; }
  storageBarrier();
  // Each place's rank among those of its row; starts[m] counts row m's so far.
  for (var begin = 0u; begin < ALL; begin += ${THREADS}u) {
    let place = begin + local;
    let at = (batch * QUERIES + min(place, ALL - 1u) / PLACES) * GROUPS + group;
    let own = select(-1, rows[at * PLACES + place % PLACES], place < ALL);
    batchRows[local] = own;
    workgroupBarrier();
    var before = 0u;
    var isLast = own >= 0;
    if (own >= 0) {
      before = starts[counts + u32(own)];
      for (var other = 0u; other < local; other++) { before += select(0u, 1u, batchRows[other] == own); }
      for (var other = local + 1u; other < ${THREADS}u && isLast; other++) { isLast = batchRows[other] != own; }
      ranks[first + place] = before;
    }
    storageBarrier();
    workgroupBarrier();
    if (isLast) { starts[counts + u32(own)] = before + 1u; }
    storageBarrier();
  }
  // From counts to where each row's places begin.
  var carried = 0u;
  for (var begin = 0u; begin <= ROWS; begin += ${THREADS}u) {
    let row = begin + local;
    let own = select(0u, starts[counts + min(row, ROWS)], row < ROWS);
    sums[local] = own;
    workgroupBarrier();
    for (var step = 1u; step < ${THREADS}u; step *= 2u) {
      let below = select(0u, sums[max(local, step) - step], local >= step);
      workgroupBarrier();
      sums[local] += below;
      workgroupBarrier();
    }
    if (row <= ROWS) { starts[counts + row] = carried + sums[local] - own; }
    carried += sums[${THREADS - 1}];
    workgroupBarrier();
  }
  storageBarrier();
  for (var place = local; place < ALL; place += ${THREADS}u) {
    let at = (batch * QUERIES + place / PLACES) * GROUPS + group;
    let own = rows[at * PLACES + place % PLACES];
    if (own >= 0) { order[first + starts[counts + u32(own)] + ranks[first + place]] = place; }
  }
}`,
  };
}
