// From an op's declaration to a differentiable call: checks, the backend's kernel or the composed form, the gradient.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  backend,
  clone,
  engine,
  getBackend,
  getKernel,
  getKernelsForBackend,
  tidy,
} from '@tensorflow/tfjs-core';
import {checkedDims} from './check.js';
import {fellBackToCpu} from './cpu-fallback.js';
import {registerOpGradient} from './gradients.js';
import {runNamedKernel} from './kernel-call.js';
import type {Attributes, Dims, NamedTensors, OpDefinition} from './op.js';
import {KERNEL_PREFIX, kernelName, passedResult} from './op.js';
import {registerReferenceKernels} from './reference-kernels.js';
import {trimSaved} from './saved-tensors.js';

const forced = {composed: false};
const told = new Set<string>();

/** What a call of an op is given by name; optional inputs may be absent. */
export type GivenInputs = Readonly<Record<string, Tensor | undefined>>;

/** Runs `body` with every op in its composed form: the second oracle of the tests and the benchmarks' baseline. */
export function withComposedOps<T>(body: () => T): T {
  const before = forced.composed;
  forced.composed = true;
  try {
    return body();
  } finally {
    forced.composed = before;
  }
}

/** Whether the current backend takes several calls of this op at once. */
export function hasKernelTogether(op: {name: string}): boolean {
  return !forced.composed && getKernel(kernelName(op, 'together'), getBackend()) !== undefined;
}

/** Whether the current backend has a fused kernel for this op. */
export function hasKernel(op: {name: string}): boolean {
  const backendName = getBackend();
  return backendName === 'cpu' || getKernel(kernelName(op, 'forward'), backendName) !== undefined;
}

const prepared = new WeakSet<object>();

/** What tf must know of an op before its first call: its gradient, and the reference as its kernel on `cpu`. */
function prepare(op: OpDefinition): void {
  if (prepared.has(op)) return;
  prepared.add(op);
  registerOpGradient(op);
  registerReferenceKernels(op);
}

/**
 * Calls an op on the current backend and returns its results by name; differentiable through tf's tape. Results named in
 * `left`, optional ones of the op's, are not returned, and their cotangents cost the gradient nothing.
 * Errors: {@link ArgumentError} for bad input.
 */
export function runOp<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: GivenInputs,
  attrs: A,
  left: readonly string[] = [],
): NamedTensors {
  prepare(op);
  backend(); // makes tf choose its default backend before kernels are looked up
  tellOfCpu();
  const dims = checkedDims(op, inputs, attrs);
  const present: Record<string, Tensor> = {};
  for (const name in op.inputs) {
    const tensor = inputs[name];
    if (tensor !== undefined) present[name] = tensor;
  }
  if (op.backward === undefined && !Object.values(op.inputs).some(spec => spec.inPlace)) {
    return detached(present, tensors => runPresent(op, tensors, attrs, dims, left));
  }
  return runPresent(op, present, attrs, dims, left);
}

/** Calls `body` with the same values outside tf's tape: no gradient flows through an op that has none. */
export function detached(tensors: NamedTensors, body: (tensors: NamedTensors) => NamedTensors): NamedTensors {
  const copies = Object.entries(tensors).map(([name, {dataId, shape, dtype}]) => {
    backend().incRef(dataId);
    return [name, engine().makeTensorFromTensorInfo({dataId, shape, dtype})] as const;
  });
  const results = body(Object.fromEntries(copies));
  for (const [, copy] of copies) copy.dispose();
  return results;
}

function runPresent<A extends Attributes>(
  op: OpDefinition<A>,
  present: NamedTensors,
  attrs: A,
  dims: Dims,
  left: readonly string[],
): NamedTensors {
  if (forced.composed || !hasKernel(op)) {
    if (!forced.composed) tellOnce(op.name);
    return runComposed(op, present, attrs, dims, left);
  }
  const names = Object.keys(present);
  const call = {present: names, left: [...left], attrs, dims};
  const tensors = runNamedKernel(kernelName(op, 'forward'), Object.values(present), call);
  trimSaved(op, names);
  const results: Record<string, Tensor> = {};
  let index = 0;
  for (const name in op.outputs) {
    if (op.outputs[name].passes !== undefined && left.includes(name)) continue;
    const tensor = tensors[index++];
    if (op.outputs[name].role === 'saved' || left.includes(name)) tensor.dispose();
    else results[name] = tensor;
  }
  return results;
}

function runComposed<A extends Attributes>(
  op: OpDefinition<A>,
  present: NamedTensors,
  attrs: A,
  dims: Dims,
  left: readonly string[],
): NamedTensors {
  return tidy(() => {
    const results = Object.entries(op.composed(present, attrs, dims));
    const passed = passedResult(op);
    if (passed !== undefined) results.push([passed.name, clone(present[passed.input])]);
    return Object.fromEntries(results.filter(([name]) => !left.includes(name)));
  });
}

/** Has an op run composed on a backend without a warning, because tf's own operations are the right ones there. */
export function composeOnPurpose(op: {name: string}, backendName: string): void {
  told.add(`${backendName}/${op.name}`);
}

/** Once for a backend that has no kernel of ours, else once for the op. */
function tellOnce(name: string): void {
  const current = getBackend();
  if (told.has(`${current}/${name}`)) return;
  told.add(`${current}/${name}`);
  const hasSome = getKernelsForBackend(current).some(kernel => kernel.kernelName.startsWith(KERNEL_PREFIX));
  if (!hasSome && told.has(current)) return;
  told.add(current);
  const what = hasSome ? `${name} has no kernel` : 'no operator has a kernel';
  const slower = `bmojo: ${what} on backend '${current}': composed from tf operations instead, much slower`;
  if (hasSome) console.warn(slower);
  else console.warn(`${slower}; ${current === 'webgpu' ? USE_WEBGPU : USE_FASTEST}`);
}

const USE_FASTEST = 'for full speed, `await useBackend()` of bmojo takes the fastest one';
const USE_WEBGPU = "`await useBackend('webgpu')` of bmojo brings the kernels, on the same device";

let isCpuTold = false;

/** That nobody asked for plain JavaScript is told, once. */
function tellOfCpu(): void {
  if (isCpuTold || !fellBackToCpu()) return;
  isCpuTold = true;
  console.warn(
    'bmojo: no backend was chosen, or none started, and TensorFlow.js fell back to cpu, plain JavaScript and slow; ' +
      '`await useBackend()` of bmojo takes the fastest one',
  );
}
