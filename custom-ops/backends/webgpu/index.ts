// The WebGPU backend: every op's kernels, or the visible word 'composed' (the same mathematics from tf operations).

import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs-core';
import {registerKernel} from '@tensorflow/tfjs-core';
import {addsPassed} from '../../gradients.js';
import type {Invocation} from '../../invocation.js';
import {kernelConfig, kernelConfigs} from '../../invocation.js';
import type {KernelRole, OpDefinition} from '../../op.js';
import {opList} from '../../op-list.js';
import type {GpuKernel} from '../../wgsl/plan.js';
import {dispatch, webgpuDebug} from './dispatch/dispatcher.js';
import {checkAtFirstUse} from './dispatch/self-check.js';
import {gpuKernels} from './kernels.generated.js';
import {repairStockKernels} from './stock/stock-kernels.js';

export {CapturedStep} from './capture/captured-step.js';
export type {GpuDescription} from './device.js';
export {compiledPipelines, startWebGPU} from './device.js';
export {webgpuDebug} from './dispatch/dispatcher.js';
export {finishWork} from './dispatch/recorder.js';
export {checkKernel, selfChecksDone} from './dispatch/self-check.js';
export {gpuKernels} from './kernels.generated.js';
export {copyMilliseconds} from './measure/copy-rate.js';
export type {ClockOptions} from './measure/device-clock.js';
export type {KernelTime} from './measure/kernel-times.js';
export {plainDispatches} from './measure/plain-dispatches.js';

let registered = false;

export function registerWebGPUKernels(): void {
  if (registered) return;
  registered = true;
  repairStockKernels();
  for (const op of opList) {
    const kernel = gpuKernels[op.name];
    if (kernel === 'composed') continue;
    if (kernel.addsPassed) addsPassed(op, 'webgpu');
    for (const config of gpuConfigs(op, kernel)) registerKernel(config);
  }
}

function gpuConfigs(op: OpDefinition, kernel: GpuKernel): KernelConfig[] {
  const run = (call: Invocation, role: KernelRole, backend: unknown): TensorInfo[] => {
    if (webgpuDebug.selfCheck) checkAtFirstUse(op, {role, attrs: call.attrs}, backend as object);
    return dispatch(op, kernel, call, role, backend as object);
  };
  const single = kernelConfigs(op, 'webgpu', run);
  return kernel.together === undefined ? single : [...single, kernelConfig(op, 'webgpu', 'together', run)];
}
