// Switches backends by name; each is loaded when it is first asked for.

import {backend, env, getBackend, ready, setBackend} from '@tensorflow/tfjs-core';
import {refuse} from '../check.js';
import {opList} from '../op-list.js';
import {asBackendError, BackendError} from './backend-error.js';
import type {BackendName, BackendRequest} from './backend-names.js';
import {backendRequests} from './backend-names.js';
import {chooseBackend} from './choose.js';
import {loadWasmKernels} from './on-demand.js';
import type {GpuDescription} from './webgpu/device.js';

/**
 * Makes a backend current and returns its name: `auto` (the default: see {@link chooseBackend}), `webgpu` (see
 * {@link useWebGPU}), `wasm` (C++ kernels), `tensorflow` (C++ kernels on
 * all cores, in Node, after `npm run setup:tensorflow`) or `cpu` (plain JavaScript, slow).
 * Errors: ArgumentError for an unknown name; BackendError when the backend cannot start here, saying what to install.
 */
export async function useBackend(request: BackendRequest = 'auto'): Promise<BackendName> {
  if (!backendRequests.includes(request))
    refuse('useBackend', 'name', `one of ${backendRequests.join(', ')}`, request);
  try {
    return await startBackend(request === 'auto' ? (await chooseBackend()).backend : request);
  } catch (error) {
    throw asBackendError(error);
  }
}

async function startBackend(name: BackendName): Promise<BackendName> {
  if (name === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (name === 'wasm') await startWasm();
  if (name === 'webgpu') await startWebGPU();
  if (name === 'tensorflow') await startTensorFlow();
  if (!(await setBackend(name)))
    throw new BackendError(`bmojo: the ${name} backend could not start here; run bmojo doctor`);
  await ready();
  return name;
}

/**
 * Makes WebGPU current, in browsers and (through Dawn, npm package `webgpu`) in Node, on a device with all that the
 * adapter offers, and says what it is. Results are read with `await tensor.data()`; `dataSync` works in browsers alone.
 * Errors: BackendError when there is no adapter, saying what to install.
 */
export async function useWebGPU(): Promise<GpuDescription> {
  await useBackend('webgpu');
  const {startWebGPU} = await import('./webgpu/index.js');
  return startWebGPU();
}

/** Resolves when the current backend has finished everything issued so far; only `webgpu` works behind one's back. */
export async function finishBackend(): Promise<void> {
  if (getBackend() !== 'webgpu') return;
  const {finishWork} = await import('./webgpu/index.js');
  await finishWork(backend());
}

async function startWasm(): Promise<void> {
  await import('@tensorflow/tfjs-backend-wasm');
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await loadWasmKernels();
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
