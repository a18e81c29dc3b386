// tf's tape keeps a clone of everything that a gradient needs. tfjs's WASM backend copies the numbers of a clone, the
// others share them: with this kernel WASM does too, which halves the memory of training.

import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import type {TensorInfo} from '@tensorflow/tfjs-core';
import {getKernel, Identity, registerKernel, unregisterKernel} from '@tensorflow/tfjs-core';

export function shareClonesOnWasm(): void {
  if (getKernel(Identity, 'wasm') !== undefined) unregisterKernel(Identity, 'wasm');
  registerKernel({
    kernelName: Identity,
    backendName: 'wasm',
    kernelFunc: ({inputs, backend}): TensorInfo => {
      const {dataId, shape, dtype} = inputs.x as TensorInfo;
      (backend as BackendWasm).incRef(dataId);
      return {dataId, shape, dtype};
    },
  });
}
