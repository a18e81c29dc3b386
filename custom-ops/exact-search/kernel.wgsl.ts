// exactSearch on the GPU. Where there are few queries, workgroups share the rows of each and their lists are merged; where
// there are many, a thread owns a query. What grows with a stream is a uniform, so that no step compiles a kernel.

import type {GpuKernel, Plan} from '../wgsl/plan.js';
import {checkRows} from '../wgsl/plan.js';
import type {ExactSearchAttributes} from './attributes.js';
import {byQueries, queryWorkgroups} from './by-queries.wgsl.js';
import {byRows, partsOf} from './by-rows.wgsl.js';
import type {SearchRequest} from './limits.wgsl.js';

/** From so many workgroups on, queries alone keep a device busy. */
const ENOUGH = 64;

function forward(request: SearchRequest): Plan {
  checkRows('exactSearch', request.dims.N);
  return queryWorkgroups(request.dims) >= ENOUGH ? byQueries(request) : byRows(request);
}

export const exactSearchGpu: GpuKernel<ExactSearchAttributes> = {
  forward,
  dynamic: ['queryOffset', 'phase'],
  uniforms: (dims, {queryOffset, phase}) => {
    checkRows('exactSearch', queryOffset);
    const parts = partsOf(dims);
    return {queryOffset, phase, rows: dims.N, parts, rowsOfPart: Math.ceil(dims.N / parts)};
  },
};
