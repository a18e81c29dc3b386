// Passes that treat every element alike.

import type {GpuLimits, Pass} from './plan.js';
import {spread, workgroupNumber, workgroupParameters} from './plan.js';

const THREADS = 256;

export interface Elementwise extends Pick<Pass, 'name' | 'read' | 'write' | 'uniforms'> {
  readonly count: number;
  /** WGSL before the entry point. */
  readonly declarations?: string;
  /** WGSL for element `index`. */
  readonly body: string;
}

export function elementwisePass(
  {count, declarations = '', body, ...rest}: Elementwise,
  limits: Pick<GpuLimits, 'workgroups'>,
): Pass {
  return {
    ...rest,
    workgroups: spread(Math.ceil(count / THREADS), limits),
    code: `
${declarations}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${count}u) { return; }
  ${body}
}`,
  };
}
