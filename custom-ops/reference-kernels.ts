// On tf's JavaScript backend, cpu, an op's plain-loop reference is its kernel, on Float32Arrays.

import type {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';
import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {getKernel, registerKernel} from '@tensorflow/tfjs-core';
import {checkIntegerRange} from './integer-range.js';
import {kernelConfigs} from './invocation.js';
import type {HostArray, OpDefinition} from './op.js';
import {kernelName} from './op.js';

export function registerReferenceKernels(op: OpDefinition): void {
  if (getKernel(kernelName(op, 'forward'), 'cpu') !== undefined) return;
  const configs = kernelConfigs(op, 'cpu', (invocation, direction, backend) => {
    const cpu = backend as MathBackendCPU;
    const inputs: Record<string, HostArray> = {};
    for (const port of invocation.ports.inputs) {
      const tensor = invocation.inputs[port.name];
      if (tensor === undefined) continue;
      inputs[port.name] = cpu.data.get(tensor.dataId).values as HostArray;
      if (port.dtype === 'int32')
        checkIntegerRange(op, port.name, inputs[port.name], invocation.dims, invocation.attrs);
    }
    const outputs: Record<string, HostArray> = {};
    const infos: TensorInfo[] = invocation.outputs.map(({name, dtype, sizes}) => {
      const length = sizes.reduce((product, size) => product * size, 1);
      outputs[name] = dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
      return cpu.makeTensorInfo(sizes, dtype as DataType, outputs[name]);
    });
    const kernel = direction === 'forward' ? op.forward : op.backward;
    kernel?.reference({inputs, outputs, dims: invocation.dims, attrs: invocation.attrs});
    return infos;
  });
  for (const config of configs) registerKernel(config);
}
