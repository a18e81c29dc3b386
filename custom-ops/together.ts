// Several calls of one op at once, in few commands of a backend that has a kernel for it, one by one elsewhere.

import type {Tensor} from '@tensorflow/tfjs-core';
import {addN, backend, tidy} from '@tensorflow/tfjs-core';
import {ArgumentError, checkedDims, refuse} from './check.js';
import {runNamedKernel} from './kernel-call.js';
import type {Attributes, Dims, NamedTensors, OpDefinition} from './op.js';
import {kernelName, memberName} from './op.js';
import type {GivenInputs} from './run.js';
import {detached, hasKernelTogether, runOp} from './run.js';

/**
 * Calls an op on several sets of inputs and returns the sums of its results, added up in the order of the sets. Inputs that the
 * op's definition says are `shared` must be the same tensor in every set. No gradient flows through the call.
 * Errors: {@link ArgumentError} for bad input, before anything is written.
 */
export function runTogether<A extends Attributes>(
  op: OpDefinition<A>,
  members: readonly GivenInputs[],
  attrs: A,
): NamedTensors {
  if (members.length === 0) refuse(op.name, 'inputs', 'those of at least one call', members);
  backend(); // makes tf choose its default backend before kernels are looked up
  const dims = members.map(inputs => checkedDims(op, inputs, attrs));
  checkShared(op, members);
  checkWritten(op, members);
  // `attrs` goes along as it is: recordings take calls that share it for one, as they are here.
  if (!hasKernelTogether(op)) return addedUp(members.map(inputs => runOp(op, inputs, attrs)));
  const present = presentTogether(op, members);
  const call = {present: Object.keys(present), left: [], attrs, dims: dimsTogether(dims)};
  const run = (tensors: NamedTensors): NamedTensors => {
    const results = runNamedKernel(kernelName(op, 'together'), Object.values(tensors), call);
    return Object.fromEntries(Object.keys(op.outputs).map((name, i) => [name, results[i]]));
  };
  const writes = Object.values(op.inputs).some(({inPlace}) => inPlace);
  return writes ? run(present) : detached(present, run);
}

function addedUp(results: readonly NamedTensors[]): NamedTensors {
  if (results.length === 1) return results[0];
  const entries = Object.keys(results[0]).map(name => {
    const terms = results.map(result => result[name]);
    const sum = tidy(() => addN(terms));
    for (const term of terms) term.dispose();
    return [name, sum] as const;
  });
  return Object.fromEntries(entries);
}

/** The inputs of all calls by name: shared ones once, others under the number of their call. */
function presentTogether(
  op: Pick<OpDefinition, 'inputs'>,
  members: readonly GivenInputs[],
): Record<string, Tensor> {
  const present: Record<string, Tensor> = {};
  for (const name in op.inputs) {
    const {shared} = op.inputs[name];
    members.forEach((inputs, i) => {
      const tensor = inputs[name];
      if (tensor !== undefined) present[shared ? name : memberName(name, i)] = tensor;
    });
  }
  return present;
}

function dimsTogether(all: readonly Dims[]): Dims {
  const dims: Record<string, number> = {calls: all.length};
  all.forEach((own, i) => {
    for (const letter in own) dims[memberName(letter, i)] = own[letter];
  });
  return dims;
}

function checkShared(op: Pick<OpDefinition, 'name' | 'inputs'>, members: readonly GivenInputs[]): void {
  for (const [name, {shared}] of Object.entries(op.inputs)) {
    if (!shared || members.every(inputs => inputs[name] === members[0][name])) continue;
    throw new ArgumentError(op.name, name, 'the same tensor for all that is given together', 'several');
  }
}

/** What is written by one of the calls must be read and written by no other: they have no order. */
function checkWritten(op: Pick<OpDefinition, 'name' | 'inputs'>, members: readonly GivenInputs[]): void {
  const written = Object.keys(op.inputs).filter(name => op.inputs[name].inPlace);
  if (written.length === 0) return;
  const writer = new Map<object, number>();
  members.forEach((inputs, i) => {
    for (const name of written) {
      const memory = inputs[name]?.dataId;
      if (memory === undefined) continue;
      if (writer.has(memory))
        throw new ArgumentError(
          op.name,
          name,
          'a variable that is given once',
          `one of those of call ${writer.get(memory)} again`,
        );
      writer.set(memory, i);
    }
  });
  members.forEach((inputs, i) => {
    for (const name in op.inputs) {
      const by = inputs[name] === undefined ? undefined : writer.get(inputs[name].dataId);
      if (by === undefined || op.inputs[name].inPlace) continue;
      throw new ArgumentError(
        op.name,
        name,
        'in memory of its own',
        `in call ${i} that of a variable that call ${by} writes`,
      );
    }
  });
}
