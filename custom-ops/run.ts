// From an op's declaration to a differentiable call: checks, the backend's kernel or the composed form, the gradient.

import type {Tensor} from '@tensorflow/tfjs-core';
import {backend, engine, getBackend, getKernel, tidy} from '@tensorflow/tfjs-core';
import {checkedDims} from './check.js';
import {registerOpGradient} from './gradients.js';
import {runNamedKernel} from './kernel-call.js';
import type {Attributes, Dims, NamedTensors, OpDefinition} from './op.js';
import {kernelName} from './op.js';
import {registerReferenceKernels} from './reference-kernels.js';

const forced = {composed: false};
const told = new Set<string>();

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
 * Calls an op on the current backend and returns its results by name; differentiable through tf's tape.
 * Errors: {@link ArgumentError} for bad input.
 */
export function runOp<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: Readonly<Record<string, Tensor | undefined>>,
  attrs: A,
): NamedTensors {
  prepare(op);
  backend(); // makes tf choose its default backend before kernels are looked up
  const dims = checkedDims(op, inputs, attrs);
  const present: Record<string, Tensor> = {};
  for (const name in op.inputs) {
    const tensor = inputs[name];
    if (tensor !== undefined) present[name] = tensor;
  }
  if (op.backward === undefined && !Object.values(op.inputs).some(spec => spec.inPlace)) {
    return detached(present, tensors => runPresent(op, tensors, attrs, dims));
  }
  return runPresent(op, present, attrs, dims);
}

/** Calls `body` with the same values outside tf's tape: no gradient flows through an op that has none. */
function detached(tensors: NamedTensors, body: (tensors: NamedTensors) => NamedTensors): NamedTensors {
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
): NamedTensors {
  if (forced.composed || !hasKernel(op)) {
    if (!forced.composed) tellOnce(op.name);
    return runComposed(op, present, attrs, dims);
  }
  const names = Object.keys(present);
  const call = {present: names, attrs, dims};
  const tensors = runNamedKernel(kernelName(op, 'forward'), Object.values(present), call);
  const results: Record<string, Tensor> = {};
  let index = 0;
  for (const name in op.outputs) {
    const tensor = tensors[index++];
    if (op.outputs[name].role === 'saved') tensor.dispose();
    else results[name] = tensor;
  }
  return results;
}

function runComposed<A extends Attributes>(
  op: OpDefinition<A>,
  present: NamedTensors,
  attrs: A,
  dims: Dims,
): NamedTensors {
  return tidy(() => ({...op.composed(present, attrs, dims)}));
}

/** Has an op run composed on a backend without a warning, because tf's own operations are the right ones there. */
export function composeOnPurpose(op: {name: string}, backendName: string): void {
  told.add(`${backendName}/${op.name}`);
}

function tellOnce(name: string): void {
  const key = `${getBackend()}/${name}`;
  if (told.has(key)) return;
  told.add(key);
  console.warn(
    `bmojo: ${name} has no kernel on backend '${getBackend()}' and runs composed from tf operations, much slower; ` +
      `choose a backend with kernels (see bmojo doctor) for full speed`,
  );
}
