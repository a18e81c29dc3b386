// Switches backends by name; each is loaded when it is first asked for.

import {backend, env, getBackend, ready, setBackend} from '@tensorflow/tfjs-core';
import {refuse} from '../check.js';
import {noteCpuStart} from '../cpu-fallback.js';
import {opList} from '../op-list.js';
import {asBackendError, BackendError} from './backend-error.js';
import type {BackendName, BackendRequest} from './backend-names.js';
import {backendRequests} from './backend-names.js';
import {chooseBackend} from './choose.js';
import {isNode} from './environment.js';
import {loadWasmKernels} from './on-demand.js';
import {keepCpuSilent, runningBackend} from './running.js';
import type {WasmPaths} from './wasm-files.js';
import {giveWasmPaths, wasmFault} from './wasm-files.js';
import type {GpuDescription} from './webgpu/device.js';

/** How a backend is started, for `useBackend`. */
export interface BackendOptions {
  /**
   * Where the three `.wasm` files of `@tensorflow/tfjs-backend-wasm` lie: their folder's URL, ending in '/', or the URL of each by its
   * file name. Default: beside the page's script. Of no use once wasm has started.
   */
  readonly wasmPaths?: WasmPaths;
}

/**
 * Makes a backend current and returns its name: `auto` (the default: see {@link chooseBackend}), `webgpu` (see
 * {@link useWebGPU}), `wasm` (C++ kernels), `tensorflow` (C++ kernels on
 * all cores, in Node, after `bmojo setup tensorflow`) or `cpu` (plain JavaScript, slow). Calls take turns: several at
 * once share what is started, and the last decides.
 * Errors: ArgumentError for an unknown name; BackendError when the backend cannot start here, saying what to do.
 */
export async function useBackend(
  request: BackendRequest = 'auto',
  options: BackendOptions = {},
): Promise<BackendName> {
  if (!backendRequests.includes(request))
    refuse('useBackend', 'name', `one of ${backendRequests.join(', ')}`, request);
  if (typeof options !== 'object' || options === null)
    refuse('useBackend', 'options', 'an object such as {wasmPaths}', options);
  const {wasmPaths, ...unknown} = options;
  const [other] = Object.keys(unknown);
  if (other !== undefined) refuse('useBackend', 'options', 'none but wasmPaths', other);
  return inTurn(async () => {
    const name = request === 'auto' ? (await chooseBackend()).backend : request;
    if (name === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
    if (name === 'wasm') await startWasm(wasmPaths);
    if (name === 'webgpu') await startWebGPU();
    if (name === 'tensorflow') await startTensorFlow();
    return makeCurrent(name, wasmPaths);
  });
}

/**
 * Makes WebGPU current, in browsers and (through Dawn, npm package `webgpu`) in Node, on a device with all that the
 * adapter offers, and says what it is. Where tf already computes on a WebGPU device, that device is kept, with every
 * tensor on it. A device that was lost is replaced by a new one. Results are read with `await tensor.data()`; `dataSync`
 * works in browsers alone.
 * Errors: BackendError when there is no adapter, saying what to do.
 */
export async function useWebGPU(): Promise<GpuDescription> {
  return inTurn(async () => {
    const description = await startWebGPU();
    await makeCurrent('webgpu');
    return description;
  });
}

let last: Promise<unknown> = Promise.resolve();

/** Runs one start at a time: tf drops a backend that is starting when another is asked for. */
function inTurn<T>(start: () => Promise<T>): Promise<T> {
  const turn = last.then(start).catch(error => {
    throw asBackendError(error);
  });
  last = turn.catch(() => {});
  return turn;
}

async function makeCurrent(name: BackendName, wasmPaths?: WasmPaths): Promise<BackendName> {
  if (!(await setBackend(name))) {
    if (name === 'wasm' && !isNode) throw new BackendError(await wasmFault(wasmPaths));
    const remedy = isNode ? '; run bmojo doctor' : '; the console says why';
    throw new BackendError(`bmojo: the ${name} backend could not start here${remedy}`);
  }
  await ready();
  noteCpuStart(false); // what was asked for is no fallback
  if (name === 'cpu') keepCpuSilent();
  return name;
}

/** Resolves when the current backend has finished everything issued so far; only `webgpu` works behind one's back. */
export async function finishBackend(): Promise<void> {
  if (getBackend() !== 'webgpu') return;
  const {finishWork} = await import('./webgpu/index.js');
  await finishWork(backend());
}

async function startWasm(paths?: WasmPaths): Promise<void> {
  const {setWasmPaths} = await import('@tensorflow/tfjs-backend-wasm');
  if (paths !== undefined && runningBackend('wasm') === undefined) giveWasmPaths(setWasmPaths, paths);
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await loadWasmKernels();
}

/** Loaded on demand, so that the other backends carry none of it. */
async function startWebGPU(): Promise<GpuDescription> {
  const webgpu = await import('./webgpu/index.js');
  const description = await webgpu.startWebGPU();
  webgpu.registerWebGPUKernels();
  return description;
}

/** Loaded on demand too; in Node alone. */
async function startTensorFlow(): Promise<void> {
  const tensorflow = await import('./tensorflow/index.js');
  tensorflow.startTensorFlow();
  tensorflow.registerTensorFlowKernels(opList);
}
