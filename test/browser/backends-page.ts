// Runs in the browser's page: what an application does with backends, as one function for each thing that it may do.

import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import {linear, useBackend, useWebGPU} from '../../custom-ops/index.js';

const cases = {
  /** An application that has computed on tf's own WebGPU device, before and after. */
  async ownDevice() {
    await tf.setBackend('webgpu');
    const device = (tf.backend() as unknown as {device: GPUDevice}).device;
    const before = tf.tensor1d([1, 2, 3]);
    const doubled = tf.mul(before, tf.scalar(2)); // recorded, not submitted
    const composed = linear(tf.ones([1, 2, 3]) as tf.Tensor3D, tf.ones([3, 2]) as tf.Tensor2D);
    linear(tf.ones([1, 2, 4]) as tf.Tensor3D, tf.ones([4, 2]) as tf.Tensor2D).dispose();
    tf.square(before).dispose();
    const [first, second] = await Promise.all([useWebGPU(), useWebGPU()]); // React's StrictMode
    const after = linear(tf.ones([1, 2, 3]) as tf.Tensor3D, tf.ones([3, 2]) as tf.Tensor2D);
    const sums = Array.from({length: 40}, (_, i) => tf.add(doubled, tf.scalar(i)));
    const last = await sums[39].data();
    sums.forEach(sum => {
      sum.dispose();
    });
    const values = [await before.data(), await doubled.data(), await composed.data(), await after.data()];
    before.dispose();
    doubled.dispose();
    return {
      isSame: first === second && (tf.backend() as unknown as {device: GPUDevice}).device === device,
      values: values.map(one => [...one]),
      last: [...last],
      kernels: tf.getKernelsForBackend('webgpu').some(({kernelName}) => kernelName === 'BMojoLinear'),
    };
  },
  async lost() {
    await Promise.all([useWebGPU(), useBackend('webgpu')]);
    const old = tf.ones([4]);
    const {device} = tf.backend() as unknown as {device: GPUDevice};
    const once = linear(tf.ones([1, 2, 3]) as tf.Tensor3D, tf.ones([3, 2]) as tf.Tensor2D);
    device.destroy(); // while the operator's self-check is still to come
    await device.lost;
    await new Promise(resolve => setTimeout(resolve, 1000));
    await useBackend('webgpu');
    old.dispose();
    once.dispose();
    const again = linear(tf.ones([1, 2, 3]) as tf.Tensor3D, tf.ones([3, 2]) as tf.Tensor2D);
    return {
      values: [...(await again.data())],
      kernels: tf.getKernelsForBackend('webgpu').some(({kernelName}) => kernelName === 'BMojoLinear'),
    };
  },
  async missingWasm() {
    return useBackend('wasm', {wasmPaths: '/nowhere/'}).catch(error => `${error.name}: ${error.message}`);
  },
  async wasm() {
    const names = await Promise.all([
      useBackend('wasm', {wasmPaths: '/elsewhere/'}),
      useBackend('wasm'),
      useBackend('cpu'),
      useBackend('wasm'),
    ]);
    const y = linear(tf.ones([1, 2, 3]) as tf.Tensor3D, tf.ones([3, 2]) as tf.Tensor2D);
    const files = performance.getEntriesByType('resource').map(({name}) => new URL(name).pathname);
    return {names, backend: tf.getBackend(), y: [...(await y.data())], files};
  },
  async cpuByDefault() {
    for (const name of ['webgpu']) tf.removeBackend(name);
    await import('@tensorflow/tfjs-backend-cpu');
    const x = tf.ones([1, 2, 3]) as tf.Tensor3D;
    return [...(await linear(x, tf.ones([3, 2]) as tf.Tensor2D).data())];
  },
} as const;

export type CaseName = keyof typeof cases;

declare global {
  interface Window {
    runBackendCase(name: CaseName): Promise<unknown>;
  }
}

window.runBackendCase = name => cases[name]();
