// ssdScan on the GPU: chunks of time as products of blocks, or token by token where there are few.

import type {GpuKernel} from '../wgsl/plan.js';
import type {SsdScanAttributes} from './attributes.js';
import {chunksBackward} from './backward.wgsl.js';
import {FEW_TOKENS, fewTokens} from './few-tokens.wgsl.js';
import {chunksForward} from './forward.wgsl.js';
import {ssdShape} from './ssd-shape.wgsl.js';

export const ssdScanGpu: GpuKernel<SsdScanAttributes> = {
  forward: request => {
    const shape = ssdShape(request);
    return shape.L <= FEW_TOKENS ? fewTokens(shape) : chunksForward(shape);
  },
  backward: request => chunksBackward(ssdShape(request)),
};
