// Kernels in place of tfjs-node's own, for what stands between our operators in every step.

import type {KernelConfig, KernelFunc, TensorInfo} from '@tensorflow/tfjs-core';
import {Add, getKernel, Reshape, registerKernel, unregisterKernel, Variable} from '@tensorflow/tfjs-core';
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

/** Replaces kernels of tf.reshape and tf.add on tensorflow, where these are faster. */
export function replaceStockKernels(): void {
  if (isReplaced) return;
  isReplaced = true;
  replace(Reshape, reshapeBeside);
  replace(Add, addBeside);
}

function replace(name: string, beside: (stock: KernelConfig) => KernelFunc): void {
  const stock = getKernel(name, 'tensorflow');
  if (stock === undefined) return;
  unregisterKernel(name, 'tensorflow');
  registerKernel({...stock, kernelFunc: beside(stock)});
}

/**
 * tfjs-node makes a tensor of the new shape for every reshape, which costs as much as the reshape. Here the tensors of the
 * shapes that a model uses are made once, and the same shape (a gradient of tf.add asks for it) is no op at all, but
 * for variables, whose memory changes.
 */
function reshapeBeside(stock: KernelConfig): KernelFunc {
  return given => {
    const backend = given.backend as NodeBackend;
    const x = given.inputs.x as TensorInfo;
    const shape = given.attrs?.shape as number[];
    if (isSame(x.shape, shape) && !(x instanceof Variable)) {
      backend.incRef(x.dataId);
      return {dataId: x.dataId, shape: x.shape, dtype: x.dtype};
    }
    if (x.dtype !== 'float32' && x.dtype !== 'int32') return stock.kernelFunc(given);
    const {TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32} = backend.binding;
    const attrs = [
      {name: 'T', type, value: x.dtype === 'float32' ? TF_FLOAT : TF_INT32},
      {name: 'Tshape', type, value: TF_INT32},
    ];
    return backend.executeSingleOutput(Reshape, attrs, [x, shapeTensor(backend, shape)]);
  };
}

/** Sums of fewer elements are as fast on one thread, in TensorFlow's own op. */
const LARGE = 1 << 13;

/** Sums of two tensors of one shape go through plus.cc. */
function addBeside(stock: KernelConfig): KernelFunc {
  return given => {
    const backend = given.backend as NodeBackend;
    const {a, b} = given.inputs as {a: TensorInfo; b: TensorInfo};
    const isOurs =
      a.dtype === 'float32' &&
      b.dtype === 'float32' &&
      isSame(a.shape, b.shape) &&
      a.shape.reduce((size, length) => size * length, 1) >= LARGE &&
      !backend.isUsingGpuDevice;
    return isOurs ? backend.executeSingleOutput('BMojoPlus', [], [a, b]) : stock.kernelFunc(given);
  };
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}
