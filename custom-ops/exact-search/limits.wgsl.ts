// What the GPU kernels of exactSearch share: sizes, and which rows a query may find.

import type {Dims} from '../op.js';
import type {PlanRequest} from '../wgsl/plan.js';
import {constants} from '../wgsl/plan.js';
import type {ExactSearchAttributes} from './attributes.js';
import {NO_SCORE} from './attributes.js';

export type SearchRequest = PlanRequest<ExactSearchAttributes>;

export const uniformNames = ['queryOffset', 'phase', 'rows', 'rowsOfPart'] as const;

/** Vectors of four that hold a row. */
export function vectorsOf({Dh}: Dims): number {
  return Math.ceil(Dh / 4);
}

/** WGSL constants, and `limitOf(query)`: one past the last row that it may find. */
export function limits({dims, attrs: {count, window}}: SearchRequest): string {
  const {B, L, G} = dims;
  const limit =
    window === 0
      ? 'return rowCount();'
      : `
  let chunk = (i32(uniforms.phase) + i32(query)) / ${window};
  return clamp(i32(uniforms.queryOffset) - i32(uniforms.phase) + (chunk - 1) * ${window}, 0, rowCount());`;
  return `
${constants({BATCH: B, QUERIES: L, GROUPS: G, COUNT: count})}
const NO_SCORE: f32 = ${NO_SCORE};
fn rowCount() -> i32 { return i32(uniforms.rows); }
fn limitOf(query: u32) -> i32 { ${limit} }`;
}

/** WGSL of whether a row of sequence `batch` may be found, by names of WGSL. */
export function isAdmitted({present}: SearchRequest, row: string): string {
  return present.has('admitted') ? `admitted[batch * u32(rowCount()) + u32(${row})] != 0` : 'true';
}

export function unroll(count: number, line: (i: number) => string): string {
  return Array.from({length: count}, (_, i) => line(i)).join('\n');
}
