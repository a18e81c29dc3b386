// retrievedAttention on the GPU: a team of lanes for each query and head, and, for gradients of rows, a workgroup for each
// row and group, which follows the places that name it in their order.

import type {GpuKernel} from '../wgsl/plan.js';
import {backward} from './backward.wgsl.js';
import {forward} from './forward.wgsl.js';

export const retrievedAttentionGpu: GpuKernel = {forward, backward};
