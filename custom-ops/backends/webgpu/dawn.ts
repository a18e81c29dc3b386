// WebGPU in Node: Dawn, from the npm package webgpu or from the library file that BMOJO_DAWN names.

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {resolve} from 'node:path';

interface Dawn {
  create(options: string[]): GPU;
  readonly globals: object;
}

/**
 * Matrix units and, on NVIDIA's cards, float16, which Dawn holds back (names of one option are joined by a comma: of two
 * such options the last counts), and full-resolution timestamps; the rest of Dawn's defaults were measured to be as fast.
 */
const options = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
];

async function loadDawn(): Promise<Dawn> {
  const file = process.env.BMOJO_DAWN;
  if (file !== undefined && file !== '') return loadFile(resolve(file));
  try {
    return await import('webgpu');
  } catch (cause) {
    throw new Error(
      'bmojo: WebGPU in Node needs the npm package webgpu (npm install webgpu), ' +
        'or BMOJO_DAWN set to the path of a dawn.node file',
      {cause},
    );
  }
}

function loadFile(file: string): Dawn {
  try {
    return createRequire(file)(file) as Dawn;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new Error(`bmojo: BMOJO_DAWN must be the path of a dawn.node file, does not load: ${reason}`, {
      cause,
    });
  }
}

/** Puts `navigator.gpu` and the WebGPU globals in place and returns the former. */
export async function provideGpu(): Promise<GPU | undefined> {
  const {create, globals} = await loadDawn();
  Object.assign(globalThis, globals);
  const gpu = create(options);
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', {value: {userAgent: 'node'}, configurable: true});
  }
  Object.defineProperty(globalThis.navigator, 'gpu', {value: gpu, configurable: true});
  return gpu;
}

/** Files by which Linux offers a GPU: kernel drivers, NVIDIA's own, and Windows' from inside WSL. */
const gpuFiles = ['/dev/dri', '/dev/nvidia0', '/dev/dxg'];

/** False where there is surely no GPU; Dawn, when asked there, complains on the terminal. */
export function mayHaveGpu(): boolean {
  return process.platform !== 'linux' || gpuFiles.some(file => existsSync(file));
}
