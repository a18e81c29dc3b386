// Where the worker computes: WebGPU where there is one, else wasm, and which it is.

import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import {useBackend, useWebGPU} from '../../custom-ops/index.js';
import type {Call, Handler} from '../protocol.js';

export type DeviceBackend = 'webgpu' | 'wasm';

export interface Device {
  readonly backend: DeviceBackend;
  /** The adapter's name, or what computes without one. */
  readonly name: string;
  /** Why it is not WebGPU, where that was looked for and not found. */
  readonly reason?: string;
}

/** `request.backend`: where to compute; `auto` takes WebGPU where there is one. */
export type DeviceCall = Call<{readonly backend: DeviceBackend | 'auto'}, never, Device>;

let current: Device | undefined;

async function startWasm(reason?: string): Promise<Device> {
  await useBackend('wasm', {
    wasmPaths: {
      'tfjs-backend-wasm.wasm': plain,
      'tfjs-backend-wasm-simd.wasm': simd,
      'tfjs-backend-wasm-threaded-simd.wasm': threaded,
    },
  });
  return {backend: 'wasm', name: 'WebAssembly, one core', ...(reason === undefined ? {} : {reason})};
}

async function start(backend: DeviceBackend | 'auto'): Promise<Device> {
  if (backend === 'wasm') return startWasm();
  try {
    const {name} = await useWebGPU();
    return {backend: 'webgpu', name};
  } catch (error) {
    if (backend === 'webgpu') throw error;
    return startWasm(error instanceof Error ? error.message : String(error));
  }
}

/** Where the worker computes now; WebGPU where there is one, unless something was asked for before. */
export async function ensureDevice(): Promise<Device> {
  current ??= await start('auto');
  return current;
}

export const device: Handler<'device'> = async ({backend}) => {
  if (backend === 'auto') return ensureDevice();
  current = await start(backend);
  return current;
};
