// The JavaScript backend: every op runs its plain-loop reference on Float32Arrays.

import type {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';
import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {registerKernel} from '@tensorflow/tfjs-core';
import type {HostArray, OpDefinition} from '../op.js';
import {checkIntegerRange} from './integer-range.js';
import {kernelConfigs} from './invocation.js';

export function registerCpuKernels(ops: readonly OpDefinition[]): void {
  for (const op of ops) {
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
}
