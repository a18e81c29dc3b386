// The sum of squares on the GPU: workgroups sum strided elements, one more sums what they found.

import type {GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';

const THREADS = 256;
/** Elements that are worth a workgroup, and the most workgroups. */
const SHARE = 4096;
const GROUPS = 256;

function forward({dims, limits}: PlanRequest): Plan {
  const groups = Math.min(GROUPS, Math.ceil(dims['*'] / SHARE));
  const sum = (
    name: string,
    from: string,
    to: string,
    count: number,
    workgroups: number,
    term: string,
  ): Pass => ({
    name,
    read: {[from]: 'f32'},
    write: {[to]: 'f32'},
    workgroups: [workgroups, 1, 1],
    ...subgroupUse(limits),
    code: `
${laneReductions(THREADS, THREADS, limits)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroupId: vec3u, @builtin(local_invocation_index) local: u32) {
  var part = 0.0;
  for (var i = workgroupId.x * ${THREADS}u + local; i < ${count}u; i += ${workgroups * THREADS}u) {
    let value = ${from}[i];
    part += ${term};
  }
  let total = sumOverLanes(part, local);
  if (local == 0u) { ${to}[workgroupId.x] = total; }
}`,
  });
  if (groups === 1) return {passes: [sum('sumOfSquares', 'x', 'y', dims['*'], 1, 'value * value')]};
  return {
    passes: [
      sum('sumOfSquares by parts', 'x', 'parts', dims['*'], groups, 'value * value'),
      sum('sumOfSquares of parts', 'parts', 'y', groups, 1, 'value'),
    ],
    scratch: {parts: groups},
  };
}

export const sumOfSquaresGpu: GpuKernel = {forward};
