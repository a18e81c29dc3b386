// memoryAttention on the GPU. Offsets change with every step of a stream: they are uniforms.

import type {GpuKernel} from '../backends/webgpu/plan.js';
import {backward} from './backward.wgsl.js';
import type {MemoryAttentionAttributes} from './definition.js';
import {forward} from './forward.wgsl.js';

export const memoryAttentionGpu: GpuKernel<MemoryAttentionAttributes> = {
  forward,
  backward,
  dynamic: ['queryOffset', 'phase'],
  uniforms: (_dims, {queryOffset, phase}) => ({queryOffset, phase}),
};
