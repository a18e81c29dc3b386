// Which operator has a kernel on which backend, from the tables that register them.

import {gpuKernels} from '../custom-ops/backends/webgpu/index.js';
import {opList} from '../custom-ops/registry.js';

/** Markdown: `kernel` for our own, forward and gradient; `composed` for tf operations. */
export function supportTable(): string {
  const webgpu: Readonly<Record<string, unknown>> = gpuKernels;
  const rows = opList.map(op => {
    const gradient = op.backward === undefined ? 'none' : 'kernel';
    return `| ${op.name} | ${gradient} | kernel | kernel | ${webgpu[op.name] === 'composed' ? 'composed' : 'kernel'} |`;
  });
  return ['| operator | gradient | cpu | wasm | webgpu |', '|---|---|---|---|---|', ...rows].join('\n');
}
