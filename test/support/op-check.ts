// Run as a program, on copies of the tree too: compares every operator's kernels on a backend with their float64
// definitions, and prints what the backend knows as JSON. Names no operator.
//   node op-check.js BACKEND [bmojo_ops.node]

import {loadTensorFlow} from '#tensorflow';
import type {BackendName} from '../../custom-ops/index.js';
import * as library from '../../custom-ops/index.js';
import {opList} from '../../custom-ops/op-list.js';
import {deviations} from '../../custom-ops/parity.js';

export interface OpCheck {
  ops: string[];
  /** Those that ran as tf operations. */
  composed: string[];
  off: string[];
  /** What WebGPU has for each: a plan's passes, or 'composed'. */
  webgpu: Record<string, unknown>;
  functions: string[];
  /** CUDA kernels by op, as the addon tells of them. */
  cuda: Record<string, string | null>;
}

const [backend, operators] = process.argv.slice(2);
const native = backend === 'tensorflow' ? loadTensorFlow(operators) : undefined;
await library.useBackend(backend as BackendName);
native?.setPoison(true);
const {gpuKernels} = await import('../../custom-ops/backends/webgpu/index.js');
const declared =
  native === undefined ? [] : (JSON.parse(native.operators) as {name: string; forward: {cuda: string}}[]);
const findings: OpCheck = {
  ops: opList.map(({name}) => name),
  composed: opList.filter(op => !library.hasKernel(op)).map(({name}) => name),
  off: [],
  webgpu: Object.fromEntries(Object.entries(gpuKernels).map(([name, kernel]) => [name, typeof kernel])),
  functions: Object.keys(library),
  cuda: Object.fromEntries(declared.map(({name, forward}) => [name, forward.cuda])),
};
for (const op of opList) {
  const found = await deviations(op, op.cases.filter(({use}) => use === 'test').at(-1)!);
  for (const {quantity, error, isWithin} of found)
    if (!isWithin) findings.off.push(`${op.name} ${quantity}: ${error}`);
}
console.log(JSON.stringify(findings));
