// What every backend needs to run one registered kernel: named inputs, sizes and the outputs to allocate.

import type {KernelConfig, NamedAttrMap, TensorInfo} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, OpDefinition, Port} from '../op.js';
import {gradName, kernelName, kernelPorts} from '../op.js';
import type {KernelAttributes} from '../run.js';

export interface Invocation {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Outputs to produce, in order; absent optional gradients are left out. */
  readonly outputs: readonly (Port & {sizes: number[]})[];
  /** All ports in declaration order, present or not. */
  readonly ports: {inputs: Port[]; outputs: Port[]};
  readonly dims: Dims;
  readonly attrs: Attributes;
}

/** Wraps a backend's way to run an op into tfjs kernel configs, one for each direction that the op has. */
export function kernelConfigs(
  op: OpDefinition,
  backendName: string,
  run: (invocation: Invocation, direction: 'forward' | 'backward', backend: unknown) => TensorInfo[],
): KernelConfig[] {
  const directions = op.backward === undefined ? (['forward'] as const) : (['forward', 'backward'] as const);
  return directions.map(direction => {
    const ports = kernelPorts(op, direction);
    const wantedFor = direction === 'forward' ? undefined : inputsOfGradients(op, ports.outputs);
    return {
      kernelName: kernelName(op, direction),
      backendName,
      kernelFunc: ({inputs, attrs, backend}) =>
        run(
          readInvocation(op, ports, wantedFor, Object.values(inputs) as TensorInfo[], attrs ?? {}),
          direction,
          backend,
        ),
    };
  });
}

/** The input that each gradient belongs to, in the order of the ports. */
function inputsOfGradients(op: OpDefinition, outputs: readonly Port[]): string[] {
  return outputs.map(port => Object.keys(op.inputs).find(name => gradName(name) === port.name) ?? '');
}

function readInvocation(
  op: OpDefinition,
  ports: Invocation['ports'],
  wantedFor: readonly string[] | undefined,
  tensors: TensorInfo[],
  rawAttrs: NamedAttrMap,
): Invocation {
  const {present, ...attrs} = rawAttrs as KernelAttributes;
  const inputs: Record<string, TensorInfo> = {};
  present.forEach((name, index) => {
    inputs[name] = tensors[index];
  });
  const dims = bindDims(op, ports.inputs, inputs, attrs as Attributes);
  const wanted =
    wantedFor === undefined ? ports.outputs : ports.outputs.filter((_, i) => wantedFor[i] in inputs);
  const outputs = wanted.map(port => ({...port, sizes: sizes(port, dims)}));
  return {inputs, outputs, ports, dims, attrs: attrs as Attributes};
}

function bindDims(
  op: OpDefinition,
  ports: Port[],
  inputs: Record<string, TensorInfo>,
  attrs: Attributes,
): Dims {
  const dims: Record<string, number> = {};
  for (const port of ports) {
    const tensor = inputs[port.name];
    if (tensor === undefined || port.shape === '') continue;
    if (port.shape === '*') {
      dims['*'] = tensor.shape.reduce((product, size) => product * size, 1);
      continue;
    }
    port.shape.split(' ').forEach((token, axis) => {
      if (!op.derivedDims?.[token]) dims[token] ??= tensor.shape[axis];
    });
  }
  for (const [token, derive] of Object.entries(op.derivedDims ?? {})) dims[token] = derive(dims, attrs);
  return dims;
}

function sizes(port: Port, dims: Dims): number[] {
  return port.shape === '' ? [] : port.shape.split(' ').map(token => dims[token]);
}
