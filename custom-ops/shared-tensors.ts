// Constant tensors made and uploaded once for each backend.

import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {backend, engine} from '@tensorflow/tfjs-core';

export class SharedTensors {
  private readonly kept = new WeakMap<object, Map<string, TensorInfo>>();

  /** `most` are kept on a backend; more in turn are made anew. */
  constructor(private readonly most: number) {}

  /** The constant of this key. Dispose the tensor as any other: the backend's memory stays. */
  get<T extends Tensor>(key: string, make: () => T): T {
    const own = backend();
    const constants = this.kept.get(own) ?? new Map<string, TensorInfo>();
    this.kept.set(own, constants);
    const known = constants.get(key);
    if (known !== undefined) {
      own.incRef(known.dataId);
      return engine().makeTensorFromTensorInfo(known) as T;
    }
    const made = make();
    own.incRef(made.dataId);
    const oldest = constants.size < this.most ? undefined : constants.entries().next().value;
    if (oldest !== undefined) {
      constants.delete(oldest[0]);
      own.disposeData(oldest[1].dataId);
    }
    constants.set(key, {dataId: made.dataId, shape: made.shape, dtype: made.dtype});
    return made;
  }
}
