// Fills a buffer with NaN (as integers: a large negative number), so that tests see elements that a kernel leaves out.

import type {GpuLimits, Pass} from './plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from './plan.js';

export function poisonPass(words: number, limits: GpuLimits): Pass {
  return {
    name: 'poison',
    read: {},
    write: {words: 'u32'},
    workgroups: spread(Math.ceil(words / 256), limits),
    code: `
${constants({WORDS: words})}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let at = workgroup * 256u + local;
  if (at < WORDS) { words[at] = 0xffc00000u; }
}`,
  };
}
