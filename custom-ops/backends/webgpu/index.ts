// The WebGPU backend: every op's kernels, or the visible word 'composed' (the same mathematics from tf operations).

import type {KernelConfig} from '@tensorflow/tfjs-core';
import {registerKernel} from '@tensorflow/tfjs-core';
import {adamWGpu} from '../../adam-w/kernel.wgsl.js';
import {causalConv1dGpu} from '../../causal-conv1d/kernel.wgsl.js';
import {crossEntropyGpu} from '../../cross-entropy/kernel.wgsl.js';
import {dropoutGpu} from '../../dropout/kernel.wgsl.js';
import {embeddingLookupGpu} from '../../embedding-lookup/kernel.wgsl.js';
import {innovationScoresGpu} from '../../innovation-scores/kernel.wgsl.js';
import {innovationSelectGpu} from '../../innovation-select/kernel.wgsl.js';
import {linearGpu, linearTransposedGpu} from '../../linear/kernel.wgsl.js';
import {memoryAttentionGpu} from '../../memory-attention/kernel.wgsl.js';
import type {OpDefinition} from '../../op.js';
import type {OpName} from '../../registry.js';
import {ops} from '../../registry.js';
import {rmsNormGpu} from '../../rms-norm/kernel.wgsl.js';
import {rotaryEmbeddingGpu} from '../../rotary-embedding/kernel.wgsl.js';
import {selectiveScanGpu} from '../../selective-scan/kernel.wgsl.js';
import {sumOfSquaresGpu} from '../../sum-of-squares/kernel.wgsl.js';
import {swigluGpu} from '../../swiglu/kernel.wgsl.js';
import type {GpuKernel} from '../../wgsl/plan.js';
import {kernelConfigs} from '../invocation.js';
import {dispatch, webgpuDebug} from './dispatch/dispatcher.js';
import {checkAtFirstUse} from './dispatch/self-check.js';
import {repairStockKernels} from './stock/stock-kernels.js';

export {CapturedStep} from './capture/captured-step.js';
export type {GpuDescription} from './device.js';
export {startWebGPU} from './device.js';
export {webgpuDebug} from './dispatch/dispatcher.js';
export {finishWork} from './dispatch/recorder.js';
export {checkKernel, selfChecksDone} from './dispatch/self-check.js';
export {copyMilliseconds} from './measure/copy-rate.js';
export type {ClockOptions} from './measure/device-clock.js';
export type {KernelTime} from './measure/kernel-times.js';
export {plainDispatches} from './measure/plain-dispatches.js';

export const gpuKernels = {
  adamW: adamWGpu,
  crossEntropy: crossEntropyGpu,
  dropout: dropoutGpu,
  embeddingLookup: embeddingLookupGpu,
  linear: linearGpu,
  linearTransposed: linearTransposedGpu,
  selectiveScan: selectiveScanGpu,
  causalConv1d: causalConv1dGpu,
  memoryAttention: memoryAttentionGpu,
  innovationScores: innovationScoresGpu,
  innovationSelect: innovationSelectGpu,
  rmsNorm: rmsNormGpu,
  rotaryEmbedding: rotaryEmbeddingGpu,
  sumOfSquares: sumOfSquaresGpu,
  swiglu: swigluGpu,
} satisfies Record<OpName, GpuKernel | 'composed'>;

let registered = false;

export function registerWebGPUKernels(): void {
  if (registered) return;
  registered = true;
  repairStockKernels();
  for (const [name, kernel] of Object.entries<GpuKernel | 'composed'>(gpuKernels)) {
    if (kernel === 'composed') continue;
    const op = ops[name as OpName];
    for (const config of gpuConfigs(op, kernel)) registerKernel(config);
  }
}

function gpuConfigs(op: OpDefinition, kernel: GpuKernel): KernelConfig[] {
  return kernelConfigs(op, 'webgpu', (call, direction, backend) => {
    if (webgpuDebug.selfCheck) checkAtFirstUse(op, backend as object);
    return dispatch(op, kernel, call, direction, backend as object);
  });
}
