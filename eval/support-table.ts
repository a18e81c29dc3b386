// Which operator has a kernel on which backend, from the tables that register them.

import {gpuKernels} from '../custom-ops/backends/webgpu/index.js';
import {opList} from '../custom-ops/registry.js';
import {markdownTable} from './table.js';

/** Operators that TensorFlow's own operations serve on a GPU; a test compares with what is declared in C++. */
export const composedOnGpu: ReadonlySet<string> = new Set(['linear', 'linearTransposed']);

/** Markdown: `kernel` for our own, forward and gradient; `composed` for tf operations. */
export function supportTable(): string {
  const webgpu: Readonly<Record<string, unknown>> = gpuKernels;
  const rows = opList.map(op => [
    op.name,
    op.backward === undefined ? 'none' : 'kernel',
    'kernel',
    'kernel',
    webgpu[op.name] === 'composed' ? 'composed' : 'kernel',
    'kernel', // a test compares the addon's list with the registry
    composedOnGpu.has(op.name) ? 'composed' : 'kernel',
  ]);
  const backends = ['cpu', 'wasm', 'webgpu', 'tensorflow (CPU)', 'tensorflow (CUDA)'];
  return markdownTable([['operator', 'gradient', ...backends], ...rows]);
}
