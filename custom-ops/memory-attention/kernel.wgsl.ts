// memoryAttention on the GPU. Offsets and the number of rows change with every step of a stream: they are uniforms.

import type {GpuKernel} from '../wgsl/plan.js';
import type {MemoryAttentionAttributes} from './attributes.js';
import {backward} from './backward.wgsl.js';
import {forward} from './forward.wgsl.js';

export const memoryAttentionGpu: GpuKernel<MemoryAttentionAttributes> = {
  forward,
  backward,
  dynamic: ['queryOffset', 'firstRow', 'phase'],
  uniforms: ({M}, {queryOffset, firstRow, phase}) => ({queryOffset, earliest: firstRow, phase, rows: M}),
};
