// Our kernels for wasm come with the backend: they are loaded while tf starts it, whoever asks for it (`tf.setBackend('wasm')`,
// `tf.ready()`, `useBackend`), so that `await` waits for them too and nobody else carries them.

import type {KernelBackend} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';

type Factory = () => KernelBackend | Promise<KernelBackend>;

/** What of tf's engine is not in its types: how it starts a backend. */
interface Starter {
  readonly registry: Readonly<Record<string, KernelBackend>>;
  readonly registryFactory: Readonly<Record<string, {factory: Factory}>>;
  initializeBackend(name: string): {success: boolean | Promise<boolean>; asyncInit: boolean};
}

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

const starter = engine() as unknown as Starter;
loadWithBackends(starter);
if ('wasm' in starter.registry) void loadWasmKernels(); // started before we were loaded: composed until they are there
