// Fills a buffer with one word: zero, or NaN (as an integer a large negative number), so that tests see elements that a
// kernel leaves out.

import type {GpuLimits, Pass} from '../../../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../../../wgsl/plan.js';

export const NAN_WORD = 0xffc00000;

export function fillPass(words: number, word: number, limits: GpuLimits): Pass {
  return {
    name: 'fill',
    read: {},
    write: {words: 'u32'},
    workgroups: spread(Math.ceil(words / 256), limits),
    code: `
${constants({WORDS: words})}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let at = workgroup * 256u + local;
  if (at < WORDS) { words[at] = ${word}u; }
}`,
  };
}
