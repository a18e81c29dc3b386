// Repairs to tfjs's own WebGPU kernels that our models meet, and what they do in fewer dispatches.

import type {KernelFunc, TensorInfo} from '@tensorflow/tfjs-core';
import {getKernel, registerKernel, unregisterKernel} from '@tensorflow/tfjs-core';
import type {Recorder} from '../dispatch/recorder.js';
import {asRecorder} from '../dispatch/recorder.js';
import {splitAtOnce} from './split-kernel.js';

interface Disposer extends Recorder {
  disposeData(id: TensorInfo['dataId']): boolean;
}

/** tfjs binds every summand of AddN at once, also more than a device has bindings: here they are added in parts. */
function addInParts(stock: KernelFunc): KernelFunc {
  return ({inputs, attrs, backend}) => {
    const summands = Object.values(inputs) as TensorInfo[];
    const most = asRecorder(backend).device.limits.maxStorageBuffersPerShaderStage - 1;
    const add = (parts: TensorInfo[]): TensorInfo => {
      const list = parts as unknown as Record<string, TensorInfo>; // tfjs passes lists of inputs this way
      return stock({inputs: list, attrs, backend}) as TensorInfo;
    };
    let total = add(summands.slice(0, most));
    for (let next = most; next < summands.length; next += most - 1) {
      const sum = add([total, ...summands.slice(next, next + most - 1)]);
      (backend as unknown as Disposer).disposeData(total.dataId);
      total = sum;
    }
    return total;
  };
}

export function repairStockKernels(): void {
  for (const [name, repaired] of [
    ['AddN', addInParts],
    ['SplitV', splitAtOnce],
  ] as const) {
    const stock = getKernel(name, 'webgpu');
    if (stock === undefined) throw new Error(`bmojo: tfjs has no ${name} on webgpu; use tfjs 4.22.0`);
    unregisterKernel(name, 'webgpu');
    registerKernel({...stock, kernelFunc: repaired(stock.kernelFunc)});
  }
}
