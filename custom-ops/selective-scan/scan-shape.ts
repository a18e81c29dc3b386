// Sizes and choices of one call, as the passes of both algorithms on the GPU see them.

import type {GpuLimits, PlanRequest} from '../wgsl/plan.js';
import {load4, quadsOf} from '../wgsl/rows.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';

export interface ScanShape {
  readonly B: number;
  readonly L: number;
  readonly E: number;
  readonly N: number;
  /** Vectors of four states, Q. */
  readonly quads: number;
  /** Chunks of time: one for each saved state. */
  readonly chunks: number;
  readonly present: ReadonlySet<string>;
  readonly attrs: SelectiveScanAttributes;
  readonly limits: GpuLimits;
}

export function scanShape({
  dims: {B, L, E, N},
  attrs,
  present,
  limits,
}: PlanRequest<SelectiveScanAttributes>): ScanShape {
  return {B, L, E, N, quads: quadsOf(N), chunks: Math.ceil(L / CHUNK), present, attrs, limits};
}

/** WGSL of four of the N states in a row of a matrix bound as f32. */
export function states4({N}: ScanShape, name: string, row: string, quad: number | string): string {
  return load4({name, width: N, type: 'f32'}, row, quad);
}
