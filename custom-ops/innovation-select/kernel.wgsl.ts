// innovationSelect on the GPU: one workgroup for a sequence walks over its chunks, keeping the best rows sorted. Each
// batch of new rows is ranked together with those kept; a rank is a count of better rows, so that ties are exact.

import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {checkRows, constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {InnovationSelectAttributes} from './attributes.js';

const THREADS = 256;

function forward({dims, attrs, limits}: PlanRequest<InnovationSelectAttributes>): Plan {
  const {B, M, C} = dims;
  checkRows('innovationSelect', M);
  const {window, capacity, overlap} = attrs;
  const bytes = (kept: number): number => 8 * (2 * kept + THREADS);
  // Never more kept rows than rows, where room is short; elsewhere one pipeline serves all lengths of a stream.
  const kept = bytes(capacity) <= limits.workgroupBytes ? capacity : Math.min(capacity, M);
  const pool = kept + THREADS;
  if (bytes(kept) > limits.workgroupBytes) {
    throw new Error(
      `innovationSelect: ${capacity} slots need ${bytes(kept)} bytes of workgroup memory, the device has ${limits.workgroupBytes}`,
    );
  }
  return {
    passes: [
      {
        name: 'innovationSelect',
        read: {scores: 'f32'},
        write: {positions: 'i32'},
        uniforms: ['queryOffset', 'phase', 'rows'],
        workgroups: spread(B, limits),
        code: `
${constants({CHUNKS: C, CAPACITY: capacity, KEPT: kept})}
struct Entry { score: f32, row: i32 }
var<workgroup> candidates: array<Entry, ${pool}>;
var<workgroup> ranked: array<Entry, ${kept}>;
// Negative scores and NaN never enter: both fail this comparison.
fn entryOf(batch: u32, row: i32, limit: i32) -> Entry {
  if (row < limit) {
    let score = scores[batch * u32(uniforms.rows) + u32(row)];
    if (score >= 0.0) { return Entry(score, row); }
  }
  return Entry(-1.0, -1);
}
fn limitOf(chunk: u32) -> i32 {
  let start = i32(uniforms.queryOffset) - i32(uniforms.phase) + i32(chunk) * ${window};
  return clamp(start - ${overlap ? 0 : window}, 0, i32(uniforms.rows));
}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let batch = workgroup;
  if (batch >= ${B}u) { return; }
  for (var i = local; i < KEPT; i += ${THREADS}u) { candidates[i] = Entry(-1.0, -1); }
  var next = 0;
  for (var chunk = 0u; chunk < CHUNKS; chunk++) {
    let limit = limitOf(chunk);
    for (; next < limit; next += ${THREADS}) {
      let pool = KEPT + u32(min(${THREADS}, limit - next));
      candidates[KEPT + local] = entryOf(batch, next + i32(local), limit);
      for (var i = local; i < KEPT; i += ${THREADS}u) { ranked[i] = Entry(-1.0, -1); }
      workgroupBarrier();
      for (var i = local; i < pool; i += ${THREADS}u) {
        let own = candidates[i];
        if (own.row >= 0) {
          var rank = 0u;
          for (var j = 0u; j < pool; j++) {
            let other = candidates[j];
            if (other.row >= 0 && (other.score > own.score || (other.score == own.score && other.row < own.row))) { rank++; }
          }
          if (rank < KEPT) { ranked[rank] = own; }
        }
      }
      workgroupBarrier();
      for (var i = local; i < KEPT; i += ${THREADS}u) { candidates[i] = ranked[i]; }
      workgroupBarrier();
    }
    next = limit;
    for (var slot = local; slot < CAPACITY; slot += ${THREADS}u) {
      let at = (batch * CHUNKS + chunk) * CAPACITY + slot;
      positions[at] = -1;
      if (slot < KEPT) { positions[at] = candidates[slot].row; }
    }
  }
}`,
      },
    ],
  };
}

export const innovationSelectGpu: GpuKernel<InnovationSelectAttributes> = {
  forward,
  dynamic: ['queryOffset', 'phase'],
  uniforms: ({M}, {queryOffset, phase}) => ({queryOffset, phase, rows: M}),
};
