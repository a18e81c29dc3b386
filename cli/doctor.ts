// `bmojo doctor`: which backends work on this machine, why the others do not, and what to do.

import {matMul, ones, tensor2d, tensor3d, tidy} from '@tensorflow/tfjs-core';
import type {CommandModule} from 'yargs';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, chooseBackend, rmsNorm, useBackend, useWebGPU} from '../custom-ops/index.js';
import {textTable} from '../eval/table.js';
import {onlyOptions} from './command-line.js';

export interface Diagnosis {
  readonly backend: BackendName;
  readonly usable: boolean;
  /** How it did, or why it does not work and what helps. */
  readonly detail: string;
}

const advice: Partial<Record<BackendName, string>> = {
  wasm: 'run `npm run build`, which compiles the kernels',
};

/** What else there is to know about a backend that works. */
async function remarks(backend: BackendName): Promise<string[]> {
  if (backend === 'tensorflow') return tensorflowRemarks();
  if (backend !== 'webgpu') return [];
  const {name, software, features, matrices} = await useWebGPU();
  const kind = software ? ' (computes on the CPU: right for tests, slower than wasm)' : '';
  const {compiledPipelines} = await import('../custom-ops/backends/webgpu/index.js');
  return [
    `device ${name}${kind}`,
    `features ${features.join(', ') || 'none'}`,
    ...(matrices === undefined ? [] : [matrices]),
    `${compiledPipelines()} pipelines compiled for these two operations`,
  ];
}

/** Where TensorFlow and our operators compute, and what is between them and a GPU. */
async function tensorflowRemarks(): Promise<string[]> {
  const {startTensorFlow, usesGpu} = await import('../custom-ops/backends/tensorflow/index.js');
  const {threads, cuda} = startTensorFlow();
  const gpu = usesGpu();
  const remedy = 'run `npx bmojo setup tensorflow --gpu`';
  if (gpu && cuda) return ['on a GPU, with CUDA kernels'];
  if (gpu)
    return [`TensorFlow is on a GPU, our operators on ${threads} threads without CUDA kernels: ${remedy}`];
  if (!cuda) return [`on ${threads} threads`, `CUDA kernels are not built: for an NVIDIA GPU ${remedy}`];
  return [
    `on ${threads} threads`,
    `CUDA kernels are built, but TensorFlow sees no GPU: it needs a build with CUDA (${remedy}) and NVIDIA's driver ` +
      '(nvidia-smi); TF_CPP_MIN_LOG_LEVEL=0 makes it say why',
  ];
}

/** Starts a backend and compares one operator of tf and one of ours with known values. */
export async function diagnose(backend: BackendName): Promise<Diagnosis> {
  const started = performance.now();
  try {
    await useBackend(backend);
    const [product, norm] = tidy(() => [
      matMul(tensor2d([[1, 2]]), tensor2d([[3], [4]])),
      rmsNorm(tensor3d([[[3, 4]]]), ones([2]), {epsilon: 0}),
    ]);
    const [eleven] = await product.data();
    const [first] = await norm.data();
    product.dispose();
    norm.dispose();
    if (eleven !== 11 || Math.abs(first - 3 / Math.sqrt(12.5)) > 1e-5)
      throw new Error(`wrong results: 1*3 + 2*4 gave ${eleven}, the norm of (3, 4) gave ${first}`);
    const time = `started in ${Math.round(performance.now() - started)} ms`;
    return {backend, usable: true, detail: [`works; ${time}`, ...(await remarks(backend))].join('; ')};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = advice[backend];
    return {backend, usable: false, detail: hint === undefined ? reason : `${reason}; ${hint}`};
  }
}

const options = {json: {type: 'boolean' as const, describe: 'print JSON'}};

export const doctorCommand: CommandModule<object, Record<string, unknown>> = {
  builder: yargs => yargs.options(options).check(onlyOptions(options)),
  handler: async argv => {
    const found: Diagnosis[] = [];
    for (const backend of backendNames) found.push(await diagnose(backend));
    const choice = await chooseBackend();
    if (argv.json === true) {
      console.log(JSON.stringify({node: process.version, backends: found, auto: choice}, null, 2));
    } else {
      const rows = found.map(({backend, usable, detail}) => [backend, usable ? 'yes' : 'no', detail]);
      console.log(`Node ${process.version} on ${process.platform} ${process.arch}\n`);
      console.log(textTable([['backend', 'usable', 'detail'], ...rows]));
      console.log(`\n--backend auto takes ${choice.backend} (${choice.reason})`);
    }
    if (!found.some(({usable}) => usable)) process.exitCode = 1;
  },
};
