// tfjs-node makes a tensor of the new shape for every reshape, which costs as much as the reshape. Here the tensors of
// the shapes that a model uses are made once.

import type {TensorInfo} from '@tensorflow/tfjs-core';
import {getKernel, Reshape, registerKernel, unregisterKernel} from '@tensorflow/tfjs-core';
import type {NodeBackend} from './node-backend.js';
import {vectorOf} from './node-backend.js';

/** Shapes kept; what has more, such as decoding with a cache that grows, begins anew now and then. */
const KEPT = 256;

const shapesOf = new WeakMap<NodeBackend, Map<string, TensorInfo>>();

function shapeTensor(backend: NodeBackend, shape: readonly number[]): TensorInfo {
  const shapes = shapesOf.get(backend) ?? new Map<string, TensorInfo>();
  shapesOf.set(backend, shapes);
  const key = shape.join();
  const known = shapes.get(key);
  if (known !== undefined) return known;
  if (shapes.size === KEPT) {
    for (const {dataId} of shapes.values()) backend.disposeData(dataId);
    shapes.clear();
  }
  const made = vectorOf(backend, shape, 'int32');
  shapes.set(key, made);
  return made;
}

let isReplaced = false;

/** Replaces the kernel of tf.reshape on tensorflow, for float32 and int32. */
export function keepReshapeShapes(): void {
  const stock = getKernel(Reshape, 'tensorflow');
  if (isReplaced || stock === undefined) return;
  isReplaced = true;
  unregisterKernel(Reshape, 'tensorflow');
  registerKernel({
    ...stock,
    kernelFunc: given => {
      const backend = given.backend as NodeBackend;
      const x = given.inputs.x as TensorInfo;
      if (x.dtype !== 'float32' && x.dtype !== 'int32') return stock.kernelFunc(given);
      const {TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32} = backend.binding;
      const attrs = [
        {name: 'T', type, value: x.dtype === 'float32' ? TF_FLOAT : TF_INT32},
        {name: 'Tshape', type, value: TF_INT32},
      ];
      const shape = shapeTensor(backend, given.attrs?.shape as number[]);
      return backend.executeMultipleOutputs(Reshape, attrs, [x, shape], 1)[0];
    },
  });
}
