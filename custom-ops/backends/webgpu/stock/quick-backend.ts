// What makes issuing cheap on tfjs's backend: a pool that finds buffers at once, programs that are not worked out anew,
// and memory that is reused as soon as its tensor is disposed.

import type {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {Recorder, StockBuffers} from '../dispatch/recorder.js';
import {asRecorder, submit} from '../dispatch/recorder.js';
import {BufferPool} from './buffer-pool.js';
import {StockPrograms} from './stock-programs.js';

/**
 * tfjs keeps a disposed tensor's memory until the commands that use it are submitted. Commands keep their order, and what
 * the host writes into reused memory goes through a copy among them, so that buffers need not wait; textures do.
 */
function releaseBuffersAtOnce(recorder: Recorder): void {
  let waiting = new WeakSet<TensorInfo['dataId']>();
  const ids = {
    add: (id: TensorInfo['dataId']) => {
      if (!(recorder.tensorMap.get(id).resource instanceof GPUBuffer)) waiting.add(id);
    },
    has: (id: TensorInfo['dataId']) => waiting.has(id),
  };
  Object.defineProperty(recorder, 'commandQueueOwnedIds', {
    get: () => ids,
    set: () => {
      waiting = new WeakSet(); // tfjs's way to say that all is submitted
    },
  });
}

/**
 * Changes the instance, not the class: other WebGPU backends of tfjs stay as they are. It may have computed before: what it
 * has recorded is submitted, its buffers stay in use.
 */
export function quicken(backend: WebGPUBackend): WebGPUBackend {
  const recorder = asRecorder(backend);
  submit(recorder);
  recorder.bufferManager = new BufferPool(recorder.device, recorder.bufferManager as StockBuffers);
  releaseBuffersAtOnce(recorder);
  recorder.runWebGPUProgram = new StockPrograms(recorder).run;
  return backend;
}
