// Our kernels for wasm come with the backend: they are loaded while tf starts it, whoever asks for it (`tf.setBackend('wasm')`,
// `tf.ready()`, `useBackend`), so that `await` waits for them too and nobody else carries them.

import {noteCpuStart} from '../cpu-fallback.js';
import type {Starter} from './running.js';
import {tfStarter} from './running.js';

let loading: Promise<void> | undefined;

/** Loads and registers our kernels for wasm, once. */
export function loadWasmKernels(): Promise<void> {
  loading ??= import('./wasm.js').then(({registerWasmKernels}) => registerWasmKernels());
  return loading;
}

const followed = new WeakSet<object>();
function loadWithBackends(starter: Starter): void {
  const {initializeBackend} = starter;
  starter.initializeBackend = name => {
    if (name === 'cpu') noteCpuStart(!starter.backendName); // tf.setBackend names it first
    const entry = starter.registryFactory[name];
    if (name === 'wasm' && entry !== undefined && !followed.has(entry)) {
      followed.add(entry);
      const {factory} = entry;
      entry.factory = async () => {
        const [backend] = await Promise.all([factory(), loadWasmKernels()]);
        return backend;
      };
    }
    return initializeBackend.call(starter, name);
  };
}

const starter = tfStarter();
loadWithBackends(starter);
if ('wasm' in starter.registry) void loadWasmKernels(); // started before we were loaded: composed until they are there
