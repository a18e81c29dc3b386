import type {NativeOps} from './table.js';

export function loadTensorFlow(_operators?: string): NativeOps {
  throw new Error('bmojo: the tensorflow backend runs in Node alone; use webgpu or wasm in a browser');
}
