// selectiveScan on the GPU: a walk over time within subgroups, or chunks of time where that suits device or shape better.

import type {GpuKernel} from '../wgsl/plan.js';
import {firstThatFits} from '../wgsl/scratch.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {chunksBackward} from './chunks-backward.wgsl.js';
import {chunksForward} from './chunks-forward.wgsl.js';
import {scanShape} from './scan-shape.js';
import {walkBackward} from './walk-backward.wgsl.js';
import {suitsChunks, walkForward, walkShape} from './walk-forward.wgsl.js';

export const selectiveScanGpu: GpuKernel<SelectiveScanAttributes> = {
  forward: request => {
    const shape = scanShape(request);
    const walk = walkShape(shape);
    return walk === undefined || suitsChunks(walk) ? chunksForward(shape) : walkForward(walk);
  },
  backward: request => {
    const shape = scanShape(request);
    const walk = walkShape(shape);
    if (walk === undefined) return chunksBackward(shape);
    if (!suitsChunks(walk)) return walkBackward(walk);
    // Chunks keep two states each, the walk none.
    return firstThatFits(shape.limits, chunksBackward(shape), () => walkBackward(walk));
  },
};
