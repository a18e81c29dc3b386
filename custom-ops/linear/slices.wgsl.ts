// The slices of a long sum added up, in their order: neighbours have neighbouring vectors, and a thread several loads on their
// way at once.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowType} from '../wgsl/rows.js';

/** Few, so that small sums have enough workgroups too. */
const THREADS = 64;

/** Loads that a thread has on their way at a time. */
const AHEAD = 16;

export interface SliceSum {
  readonly name: string;
  /** Buffer [slices, numbers]. */
  readonly from: string;
  /** Buffer [numbers]. */
  readonly to: string;
  readonly slices: number;
  readonly numbers: number;
}

export function sliceSumPass({name, from, to, slices, numbers}: SliceSum, limits: GpuLimits): Pass {
  const type = rowType(numbers);
  const elements = type === 'vec4f' ? numbers / 4 : numbers;
  const workgroups = Math.ceil(elements / THREADS);
  const turns = Array.from({length: Math.ceil(slices / AHEAD)}, (_, turn) => {
    const own = Array.from({length: Math.min(AHEAD, slices - turn * AHEAD)}, (_, i) => turn * AHEAD + i);
    const loads = own.map(i => `let slice${i} = ${from}[index + ${i * elements}u];`);
    return `{
    ${loads.join('\n    ')}
    total = ${['total', ...own.map(i => `slice${i}`)].join(' + ')};
  }`;
  });
  return {
    name,
    read: {[from]: type},
    write: {[to]: type},
    workgroups: spread(workgroups, limits),
    code: `
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${elements}u) { return; }
  var total = ${type}();
  ${turns.join('\n  ')}
  ${to}[index] = total;
}`,
  };
}
