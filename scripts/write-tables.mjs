// Writes the *.generated.* tables through which every backend knows the operators, from custom-ops/registry.ts, the
// definitions that it names and the files beside them. Leaves what is up to date as it is.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {cudaHeader, cudaKernels, cudaWorkloads} from './tables/cuda.mjs';
import {loadOps, root} from './tables/registry.mjs';
import {kernelIncludes, operators, operatorsHeader, sources} from './tables/tensorflow.mjs';
import {functions, gpuKernels} from './tables/typescript.mjs';

const ops = await loadOps();
const tables = {
  'functions.generated.ts': functions(ops),
  'backends/webgpu/kernels.generated.ts': gpuKernels(ops),
  'native/kernels.generated.cc': kernelIncludes(ops),
  'native/tensorflow/operators.generated.h': operatorsHeader(ops),
  'native/tensorflow/operators.generated.cc': operators(ops),
  'native/tensorflow/sources.generated.gypi': sources(ops),
  'native/cuda/kernels.generated.h': cudaHeader(ops),
  'native/cuda/kernels.generated.cc': cudaKernels(ops),
  'native/cuda/harness/workloads.generated.cc': cudaWorkloads(ops),
};
const written = Object.entries(tables).filter(([name, text]) => {
  const path = join(root, 'custom-ops', name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  writeFileSync(path, text);
  return true;
});
const what = written.map(([name]) => relative(root, join(root, 'custom-ops', name))).join(', ');
console.log(`tables of ${ops.length} operators: ${what === '' ? 'up to date' : `wrote ${what}`}`);
