// selectiveScan on the GPU: a walk over time within subgroups, or chunks of time where that suits device or shape better.

import type {GpuKernel} from '../wgsl/plan.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {chunksBackward} from './chunks-backward.wgsl.js';
import {chunksForward} from './chunks-forward.wgsl.js';
import {walkBackward} from './walk-backward.wgsl.js';
import {walkForward, walkShape} from './walk-forward.wgsl.js';

export const selectiveScanGpu: GpuKernel<SelectiveScanAttributes> = {
  forward: request => {
    const shape = walkShape(request);
    return shape === undefined ? chunksForward(request) : walkForward(shape);
  },
  backward: request => {
    const shape = walkShape(request);
    return shape === undefined ? chunksBackward(request) : walkBackward(shape);
  },
};
