// The most memory that a computation's tensors hold at once. tf counts each tensor of one memory by itself.

import type {Tensor} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';

/** What tf's engine does whenever a tensor is made or disposed; its types hide the first. */
interface Tracking {
  trackTensor(tensor: Tensor, ...rest: unknown[]): void;
  disposeTensor(tensor: Tensor): void;
}

/** What a computation gives, and the most bytes of tensors that it held beyond those of before. */
export function withPeakBytes<T>(body: () => T): {result: T; peak: number} {
  const tracking = engine() as unknown as Tracking;
  const {tensorInfo} = engine().state;
  const {trackTensor, disposeTensor} = tracking;
  const held = new Map<object, number>();
  let bytes = 0;
  let peak = 0;
  tracking.trackTensor = (tensor, ...rest) => {
    const {dataId, size} = tensor;
    if (!tensorInfo.has(dataId)) {
      held.set(dataId, 4 * size);
      bytes += 4 * size;
      peak = Math.max(peak, bytes);
    }
    trackTensor.call(tracking, tensor, ...rest);
  };
  tracking.disposeTensor = tensor => {
    disposeTensor.call(tracking, tensor);
    const {dataId} = tensor;
    if (tensorInfo.has(dataId)) return;
    bytes -= held.get(dataId) ?? 0;
    held.delete(dataId);
  };
  try {
    return {result: body(), peak};
  } finally {
    Object.assign(tracking, {trackTensor, disposeTensor});
  }
}
