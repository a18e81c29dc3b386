// Where the worker computes: WebGPU where there is one, else wasm, and which it is.

import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import {backend} from '@tensorflow/tfjs-core';
import {useBackend, useWebGPU} from '../../custom-ops/index.js';
import type {Answer, Call, Handler} from '../protocol.js';

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
let watched: GPUDevice | undefined;

/** Tells the page when the GPU is gone; `destroyed` is one that was let go here. */
function watch(): void {
  const running = backend();
  if (!('device' in running && running.device instanceof GPUDevice) || running.device === watched) return;
  watched = running.device;
  void watched.lost.then(({message, reason}) => {
    const lost: Answer = {type: 'lost', reason: message || reason};
    if (reason !== 'destroyed') postMessage(lost);
  });
}

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

async function start(wanted: DeviceBackend | 'auto'): Promise<Device> {
  if (wanted === 'wasm') return startWasm();
  // Asked first, so that nothing of WebGPU is fetched where there is none.
  if (wanted === 'auto' && ((await navigator.gpu?.requestAdapter()) ?? null) === null)
    return startWasm('this browser has no WebGPU adapter here');
  try {
    const {name} = await useWebGPU();
    watch();
    return {backend: 'webgpu', name};
  } catch (error) {
    if (wanted === 'webgpu') throw error;
    return startWasm(error instanceof Error ? error.message : String(error));
  }
}

/** Where the worker computes now; WebGPU where there is one, unless something was asked for before. */
export async function ensureDevice(): Promise<Device> {
  current ??= await start('auto');
  return current;
}

export const device: Handler<'device'> = async ({backend: wanted}) => {
  if (wanted === 'auto') return ensureDevice();
  current = await start(wanted);
  return current;
};
