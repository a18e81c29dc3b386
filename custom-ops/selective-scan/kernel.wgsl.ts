// selectiveScan on the GPU: a walk over time within subgroups, or chunks of time where that suits device or shape better.

import type {GpuKernel} from '../backends/webgpu/plan.js';
import {backward} from './backward.wgsl.js';
import type {SelectiveScanAttributes} from './definition.js';
import {forward} from './forward.wgsl.js';
import {walkForward, walkShape} from './walk.wgsl.js';
import {walkBackward} from './walk-gradient.wgsl.js';

export const selectiveScanGpu: GpuKernel<SelectiveScanAttributes> = {
  forward: request => {
    const shape = walkShape(request);
    return shape === undefined ? forward(request) : walkForward(shape);
  },
  backward: request => {
    const shape = walkShape(request);
    return shape === undefined ? backward(request) : walkBackward(shape);
  },
};
