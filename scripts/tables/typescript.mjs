// Tables in TypeScript: the public functions, and the kernels for WebGPU, which only that backend imports.
import {foldersOf, NOTE} from './registry.mjs';

export function functions(ops) {
  const exported = foldersOf(ops).map(folder => `export * from './${folder}/index.js';\n`);
  return `// ${NOTE}\n${exported.join('')}`;
}

/** By convention the kernel of op `swiglu` is `swigluGpu` of its folder's kernel.wgsl.ts. */
export function gpuKernels(ops) {
  const withKernel = ops.filter(({has}) => has('kernel.wgsl.ts'));
  const imported = withKernel.map(
    ({folder, op}) => `import {${op.name}Gpu} from '../../${folder}/kernel.wgsl.js';\n`,
  );
  const entries = ops.map(
    one => `  ${one.op.name}: ${withKernel.includes(one) ? `${one.op.name}Gpu` : "'composed'"},\n`,
  );
  return (
    `// ${NOTE}\n${imported.join('')}import type {GpuKernel} from '../../wgsl/plan.js';\n\n` +
    "/** By op; 'composed' where the folder has no kernel.wgsl.ts: the same mathematics from tf operations. */\n" +
    `export const gpuKernels: Readonly<Record<string, GpuKernel | 'composed'>> = {\n${entries.join('')}};\n`
  );
}
