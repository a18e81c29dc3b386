// Which operator has a kernel on which backend, from the tables that register them.

import {gpuKernels} from '../custom-ops/backends/webgpu/index.js';
import {opList} from '../custom-ops/op-list.js';
import {markdownTable} from './table.js';

/** Markdown: `kernel` for our own, forward and gradient; `composed` for tf operations. */
export function supportTable(): string {
  const rows = opList.map(op => [
    op.name,
    op.backward === undefined ? 'none' : 'kernel',
    'kernel',
    'kernel',
    gpuKernels[op.name] === 'composed' ? 'composed' : 'kernel',
    'kernel', // a test compares the addon's list with the registry
    op.composedOnCuda ? 'composed' : 'kernel',
  ]);
  const backends = ['cpu', 'wasm', 'webgpu', 'tensorflow (CPU)', 'tensorflow (CUDA)'];
  return markdownTable([['operator', 'gradient', ...backends], ...rows]);
}
