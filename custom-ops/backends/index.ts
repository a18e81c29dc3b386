// Registers our kernels and gradients once, and switches backends by name.

import '@tensorflow/tfjs'; // registers tf's own gradients, which tfjs-core alone does not
import '@tensorflow/tfjs-backend-wasm';
import {env, ready, setBackend} from '@tensorflow/tfjs-core';
import {refuse} from '../check.js';
import {opList} from '../registry.js';
import {registerOpGradient} from '../run.js';
import {registerCpuKernels} from './cpu.js';
import {registerWasmKernels} from './wasm.js';

export const backendNames = ['cpu', 'wasm'] as const;
export type BackendName = (typeof backendNames)[number];

registerCpuKernels(opList);
registerWasmKernels(opList);
for (const op of opList) registerOpGradient(op);

/**
 * Makes a backend current: `wasm` (C++ kernels, the default) or `cpu` (plain JavaScript).
 * Errors: ArgumentError for an unknown name; Error when the backend cannot start here.
 */
export async function useBackend(name: BackendName): Promise<void> {
  if (!backendNames.includes(name)) refuse('useBackend', 'name', `one of ${backendNames.join(', ')}`, name);
  if (name === 'wasm') env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (!(await setBackend(name)))
    throw new Error(`bmojo: the ${name} backend could not start here; run bmojo doctor`);
  await ready();
}
