// Registers our kernels and gradients once, and switches backends by name.

import '@tensorflow/tfjs'; // registers tf's own gradients, which tfjs-core alone does not
import '@tensorflow/tfjs-backend-wasm';
import {backend, env, getBackend, ready, setBackend} from '@tensorflow/tfjs-core';
import {refuse} from '../check.js';
import {opList} from '../registry.js';
import {registerOpGradient} from '../run.js';
import {registerCpuKernels} from './cpu.js';
import {registerWasmKernels} from './wasm.js';

/** Backends that every machine has and whose memory can be read at once. */
export const hostBackendNames = ['cpu', 'wasm'] as const;
export const backendNames = [...hostBackendNames, 'webgpu', 'tensorflow'] as const;
export type BackendName = (typeof backendNames)[number];

registerCpuKernels(opList);
registerWasmKernels(opList);
for (const op of opList) registerOpGradient(op);

/**
 * Makes a backend current: `wasm` (C++ kernels, the default), `cpu` (plain JavaScript), `webgpu` (a GPU, in browsers
 * and through Dawn in Node; results are read with `await tensor.data()`) or `tensorflow` (C++ kernels on all cores, in
 * Node, after `npm run setup:tensorflow`).
 * Errors: ArgumentError for an unknown name; Error when the backend cannot start here, saying what to install.
 */
export async function useBackend(name: BackendName): Promise<void> {
  if (!backendNames.includes(name)) refuse('useBackend', 'name', `one of ${backendNames.join(', ')}`, name);
  if (name === 'wasm') env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (name === 'webgpu') await startWebGPU();
  if (name === 'tensorflow') await startTensorFlow();
  if (!(await setBackend(name)))
    throw new Error(`bmojo: the ${name} backend could not start here; run bmojo doctor`);
  await ready();
}

/** Resolves when the current backend has finished everything issued so far; only `webgpu` works behind one's back. */
export async function finishBackend(): Promise<void> {
  if (getBackend() !== 'webgpu') return;
  const {finishWork} = await import('./webgpu/index.js');
  await finishWork(backend());
}

/** Loaded on demand, so that the other backends carry none of it. */
async function startWebGPU(): Promise<void> {
  const webgpu = await import('./webgpu/index.js');
  await webgpu.startWebGPU();
  webgpu.registerWebGPUKernels();
}

/** Loaded on demand too; in Node alone. */
async function startTensorFlow(): Promise<void> {
  const tensorflow = await import('./tensorflow/index.js');
  tensorflow.startTensorFlow();
  tensorflow.registerTensorFlowKernels(opList);
}
