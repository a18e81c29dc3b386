// selectiveScan on the GPU: a walk over time within subgroups, or chunks of time where that suits device or shape better.

import type {GpuKernel} from '../wgsl/plan.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {chunksBackward} from './chunks-backward.wgsl.js';
import {chunksForward} from './chunks-forward.wgsl.js';
import {scanShape} from './scan-shape.js';
import {walkBackward} from './walk-backward.wgsl.js';
import {walkForward, walkShape} from './walk-forward.wgsl.js';

export const selectiveScanGpu: GpuKernel<SelectiveScanAttributes> = {
  forward: request => {
    const shape = scanShape(request);
    const walk = walkShape(shape);
    return walk === undefined ? chunksForward(shape) : walkForward(walk);
  },
  backward: request => {
    const shape = scanShape(request);
    const walk = walkShape(shape);
    return walk === undefined ? chunksBackward(shape) : walkBackward(walk);
  },
};
