// Runs any op on sampled inputs, by its float64 reference and on the current tf backend, and compares the two.

import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {addN, grads, mul, sum, tensor, tidy, variable} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors, OpCase, OpDefinition} from './op.js';
import {gradName, kernelPorts, shapeOf} from './op.js';
import {runOp, withComposedOps} from './run.js';
import type {NamedArrays, Sample} from './sampling.js';
import {product, sampleCase} from './sampling.js';

function allocate(ports: readonly {name: string; shape: string; dtype: string}[], dims: Dims): NamedArrays {
  return Object.fromEntries(
    ports.map(port => {
      const length = product(shapeOf(port, dims));
      return [port.name, port.dtype === 'int32' ? new Int32Array(length) : new Float64Array(length)];
    }),
  );
}

/** Every output of the float64 reference, saved ones included. In-place inputs are copied first. */
export function referenceForward(sample: Sample, inputs: NamedArrays = sample.inputs): NamedArrays {
  const {op, attrs, dims} = sample;
  const outputs = allocate(kernelPorts(op, 'forward').outputs, dims);
  const own = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values.slice()]));
  op.forward.reference({inputs: own, outputs, dims, attrs});
  for (const [name, spec] of Object.entries(op.inputs)) if (spec.inPlace) outputs[name] = own[name];
  return outputs;
}

/** Gradients of every differentiable input that is present, by the float64 reference. */
export function referenceBackward(sample: Sample): NamedArrays {
  const {op, attrs, dims, inputs, cotangents} = sample;
  const saved = referenceForward(sample);
  const ports = kernelPorts(op, 'backward');
  const present = ports.outputs.filter(port =>
    Object.keys(inputs).some(name => gradName(name) === port.name),
  );
  const outputs = allocate(present, dims);
  const kept = Object.entries(op.outputs).filter(([, spec]) => spec.role !== 'result');
  const savedInputs = Object.fromEntries(kept.map(([name]) => [name, saved[name]]));
  op.backward?.reference({inputs: {...inputs, ...savedInputs, ...cotangents}, outputs, dims, attrs});
  return outputs;
}

export interface BackendRun {
  readonly results: Record<string, Float32Array | Int32Array>;
  readonly gradients: Record<string, Float32Array | Int32Array>;
}

function toTensors(sample: Sample): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(sample.inputs).map(([name, values]) => {
      const spec = sample.op.inputs[name];
      const data = values instanceof Int32Array ? values : Float32Array.from(values);
      const created = tensor(data, shapeOf(spec, sample.dims), spec.dtype as DataType);
      if (!spec.inPlace) return [name, created];
      const written = variable(created);
      created.dispose();
      return [name, written];
    }),
  );
}

async function takeValues(tensors: Record<string, Tensor>): Promise<BackendRun['results']> {
  const values: BackendRun['results'] = {};
  for (const [name, value] of Object.entries(tensors)) {
    values[name] = (await value.data<'float32'>()).slice();
    value.dispose();
  }
  return values;
}

/**
 * Results and gradients of an op on the current backend, in one of its forms; leaves no tensor behind. Results in `left` are
 * not taken; the sample has no cotangents of them.
 */
export async function runOnBackend(
  sample: Sample,
  form: 'kernel' | 'composed',
  left: readonly string[] = [],
): Promise<BackendRun> {
  const {op, attrs, dims, cotangents} = sample;
  const inputs = toTensors(sample);
  const formed = <T>(body: () => T): T => (form === 'composed' ? withComposedOps(body) : body());
  const results = await takeValues(tidy(() => formed(() => ({...runOp(op, inputs, attrs, left)}))));
  for (const [name, spec] of Object.entries(op.inputs)) {
    if (spec.inPlace) results[name] = (await inputs[name].data<'float32'>()).slice();
  }
  const names = Object.keys(inputs).filter(name => op.inputs[name].differentiable);
  let gradients: BackendRun['gradients'] = {};
  if (op.backward !== undefined && names.length > 0) {
    const total = (...xs: Tensor[]): Tensor => {
      const call: Record<string, Tensor> = {...inputs};
      names.forEach((name, i) => {
        call[name] = xs[i];
      });
      return weightedSum(runOp(op, call, attrs, left), cotangents, op, dims);
    };
    const values = tidy(() => formed(() => grads(total)(names.map(name => inputs[name]))));
    gradients = await takeValues(Object.fromEntries(names.map((name, i) => [gradName(name), values[i]])));
  }
  for (const value of Object.values(inputs)) value.dispose();
  return {results, gradients};
}

function weightedSum(outputs: NamedTensors, cotangents: NamedArrays, op: OpDefinition, dims: Dims): Tensor {
  const terms = Object.entries(cotangents).map(([gradientName, values]) => {
    const name = Object.keys(op.outputs).find(candidate => gradName(candidate) === gradientName) ?? '';
    return sum(mul(outputs[name], tensor(Float32Array.from(values), shapeOf(op.outputs[name], dims))));
  });
  return terms.length === 1 ? terms[0] : addN(terms);
}

/** RMS of the difference over RMS of the reference; not finite when an element is not. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let reference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    reference += expected[i] ** 2;
  }
  return Math.sqrt(difference / (reference === 0 ? Math.max(1, expected.length) : reference));
}

/** Largest RMS-relative errors that a float32 kernel may have. Integers must be equal. */
export const tolerance = {forward: 1e-5, gradient: 1e-4} as const;

export interface Deviation {
  /** Output, or gradient as `gradX`. */
  readonly quantity: string;
  readonly error: number;
  readonly isWithin: boolean;
}

/** Compares every result and gradient of one case with the float64 reference. */
export async function deviations(
  op: OpDefinition,
  opCase: OpCase<Attributes>,
  form: 'kernel' | 'composed' = 'kernel',
): Promise<Deviation[]> {
  const sample = sampleCase(op, opCase, 3);
  const {results, gradients} = await runOnBackend(sample, form);
  const compare = (
    actual: Record<string, Float32Array | Int32Array>,
    expected: NamedArrays,
    most: number,
  ): Deviation[] =>
    Object.entries(actual).map(([quantity, values]) => {
      const error = relativeError(values, expected[quantity]);
      return {quantity, error, isWithin: values instanceof Int32Array ? error === 0 : error <= most};
    });
  const found = compare(results, referenceForward(sample), tolerance.forward);
  if (op.backward === undefined) return found;
  return [...found, ...compare(gradients, referenceBackward(sample), tolerance.gradient)];
}
