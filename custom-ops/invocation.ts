// What every backend needs to run one registered kernel: named inputs, sizes and the outputs to allocate.

import type {KernelBackend, KernelConfig, TensorInfo} from '@tensorflow/tfjs-core';
import type {KernelAttributes} from './kernel-call.js';
import type {Attributes, Dims, KernelRole, OpDefinition, Port} from './op.js';
import {gradName, kernelName, kernelPorts, passedResult, shapeOf} from './op.js';

export interface Invocation {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Outputs to produce, in order; absent optional gradients are left out. */
  readonly outputs: readonly (Port & {sizes: number[]})[];
  /** All ports of a single call in declaration order, present or not. */
  readonly ports: {inputs: Port[]; outputs: Port[]};
  readonly dims: Dims;
  readonly attrs: Attributes;
}

type Run<Role extends KernelRole> = (invocation: Invocation, role: Role, backend: unknown) => TensorInfo[];

/** Wraps a backend's way to run an op into tfjs kernel configs, one for each direction that the op has. */
export function kernelConfigs(
  op: OpDefinition,
  backendName: string,
  run: Run<'forward' | 'backward'>,
): KernelConfig[] {
  const directions = op.backward === undefined ? (['forward'] as const) : (['forward', 'backward'] as const);
  return directions.map(direction => kernelConfig(op, backendName, direction, run));
}

/** The config of one of an op's kernels. */
export function kernelConfig<Role extends KernelRole>(
  op: OpDefinition,
  backendName: string,
  role: Role,
  run: Run<Role>,
): KernelConfig {
  const ports = kernelPorts(op, role === 'backward' ? 'backward' : 'forward');
  const known = new WeakMap<Dims, Outputs>();
  const wantedFor = role === 'backward' ? inputsOfGradients(op, ports.outputs) : undefined;
  const passed = role === 'forward' ? passedResult(op) : undefined;
  return {
    kernelName: kernelName(op, role),
    backendName,
    kernelFunc: ({inputs, attrs, backend}) => {
      const call = attrs as KernelAttributes;
      const invocation = readInvocation(
        {ports, wantedFor, known},
        Object.values(inputs) as TensorInfo[],
        call,
      );
      const results = run(invocation, role, backend);
      if (passed === undefined || call.left.includes(passed.name)) return results;
      return [...results, sameMemory(invocation.inputs[passed.input], backend as KernelBackend)];
    },
  };
}

/** Another tensor of the same memory. */
function sameMemory({dataId, shape, dtype}: TensorInfo, backend: KernelBackend): TensorInfo {
  backend.incRef(dataId);
  return {dataId, shape, dtype};
}

/** The input of the gradient's kernel that each gradient belongs to, in the order of the ports; undefined for one that it does not get. */
function inputsOfGradients(op: OpDefinition, outputs: readonly Port[]): (string | undefined)[] {
  return outputs.map(port => {
    const name = Object.keys(op.inputs).find(one => gradName(one) === port.name) ?? '';
    return op.inputs[name]?.forwardOnly ? undefined : name;
  });
}

type Outputs = Invocation['outputs'];

/** What all calls of a kernel share. */
interface Reading {
  readonly ports: Invocation['ports'];
  /** The input that each gradient belongs to, where it is wanted with it alone; undefined where all outputs are wanted. */
  readonly wantedFor: readonly (string | undefined)[] | undefined;
  /** The outputs of a kernel that gives no gradients, by sizes. */
  readonly known: WeakMap<Dims, Outputs>;
}

function readInvocation(
  reading: Reading,
  tensors: TensorInfo[],
  {present, attrs, dims}: KernelAttributes,
): Invocation {
  const inputs: Record<string, TensorInfo> = {};
  present.forEach((name, index) => {
    inputs[name] = tensors[index];
  });
  return {inputs, outputs: outputsOf(reading, inputs, dims), ports: reading.ports, dims, attrs};
}

function outputsOf({ports, wantedFor, known}: Reading, inputs: Invocation['inputs'], dims: Dims): Outputs {
  if (wantedFor === undefined) {
    const before = known.get(dims);
    if (before !== undefined) return before;
  }
  const outputs: Outputs[number][] = [];
  ports.outputs.forEach(({name, shape, dtype}, i) => {
    const input = wantedFor?.[i];
    if (input === undefined || input in inputs)
      outputs.push({name, shape, dtype, sizes: shapeOf({shape}, dims)});
  });
  if (wantedFor === undefined) known.set(dims, outputs);
  return outputs;
}
