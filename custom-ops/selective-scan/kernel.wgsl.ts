// selectiveScan on the GPU.

import type {GpuKernel} from '../backends/webgpu/plan.js';
import {backward} from './backward.wgsl.js';
import type {SelectiveScanAttributes} from './definition.js';
import {forward} from './forward.wgsl.js';

export const selectiveScanGpu: GpuKernel<SelectiveScanAttributes> = {forward, backward};
