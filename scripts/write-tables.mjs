// Writes the *.generated.* files: tables through which every backend knows the operators, from custom-ops/registry.ts, the
// definitions that it names and the files beside them; interfaces of settings, from their schemas; digests of the sources of
// the TensorFlow addon. Leaves what is up to date as it is.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {cudaHeader, cudaKernels, cudaWorkloads} from './tables/cuda.mjs';
import {loadOps, root} from './tables/registry.mjs';
import {settings} from './tables/settings.mjs';
import {addonSources, digestsHeader, digestsModule, sourceDigests} from './tables/sources.mjs';
import {kernelIncludes, operators, operatorsHeader, sources} from './tables/tensorflow.mjs';
import {functions, gpuKernels} from './tables/typescript.mjs';

/** Writes what is not as it should be, and says which files those are. */
function write(tables) {
  const changed = Object.entries(tables).filter(([name, text]) => {
    const path = join(root, name);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  for (const [name, text] of changed) writeFileSync(join(root, name), text);
  return changed.map(([name]) => name);
}

const ops = await loadOps();
const tables = {
  'custom-ops/functions.generated.ts': functions(ops),
  'custom-ops/backends/webgpu/kernels.generated.ts': gpuKernels(ops),
  'custom-ops/native/kernels.generated.cc': kernelIncludes(ops),
  'custom-ops/native/tensorflow/operators.generated.h': operatorsHeader(ops),
  'custom-ops/native/tensorflow/operators.generated.cc': operators(ops),
  'custom-ops/native/tensorflow/sources.generated.gypi': sources(ops),
  'custom-ops/native/cuda/kernels.generated.h': cudaHeader(ops),
  'custom-ops/native/cuda/kernels.generated.cc': cudaKernels(ops),
  'custom-ops/native/cuda/harness/workloads.generated.cc': cudaWorkloads(ops),
};
const digests = sourceDigests(addonSources(tables));
const written = write({
  ...tables,
  'custom-ops/native/tensorflow/sources.generated.h': digestsHeader(digests),
  'custom-ops/backends/tensorflow/sources.generated.ts': digestsModule(digests),
});
// Schemas lie beside code that calls operators, new ones too: their functions are written by now.
written.push(...write(await settings()));
const what = written.join(', ');
console.log(`tables of ${ops.length} operators: ${what === '' ? 'up to date' : `wrote ${what}`}`);
