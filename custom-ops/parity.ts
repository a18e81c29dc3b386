// Runs any op on sampled inputs, by its float64 reference and on the current tf backend, and compares the two.

import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {addN, grads, mul, sum, tensor, tidy, variable} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors, OpCase, OpDefinition} from './op.js';
import {gradName, kernelPorts, passedResult, shapeOf} from './op.js';
import type {Precision} from './precision.js';
import {precisions} from './precision.js';
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
  const passed = passedResult(op);
  if (passed !== undefined) outputs[passed.name] = own[passed.input];
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
  const read = Object.entries(inputs).filter(([name]) => !op.inputs[name].forwardOnly);
  op.backward?.reference({
    inputs: {...Object.fromEntries(read), ...savedInputs, ...cotangents},
    outputs,
    dims,
    attrs,
  });
  const passed = passedResult(op);
  const added = passed && cotangents[gradName(passed.name)];
  if (passed !== undefined && added !== undefined) {
    const gradient = outputs[gradName(passed.input)];
    for (let i = 0; i < gradient.length; i++) gradient[i] += added[i];
  }
  return outputs;
}

export interface BackendRun {
  readonly results: Record<string, Float32Array | Int32Array>;
  readonly gradients: Record<string, Float32Array | Int32Array>;
}

/** The inputs of a sample on the current backend, variables where they are written. */
export function toTensors(sample: Sample): Record<string, Tensor> {
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
 * Results and, unless they are not wanted, gradients of an op on the current backend, in one of its forms; leaves no tensor behind. Results in `left` are
 * not taken; the sample has no cotangents of them.
 */
export async function runOnBackend(
  sample: Sample,
  form: 'kernel' | 'composed',
  left: readonly string[] = [],
  wantsGradients = true,
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
  if (wantsGradients && op.backward !== undefined && names.length > 0) {
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

/**
 * Largest RMS-relative errors of values and gradients, by how products are computed; ops without a precision compute in
 * float32. Rounding both factors to 11 bits (tf32, float16) costs 3e-4 of a product, to 8 bits (bfloat16) 2e-3; a gradient
 * is made of several products. Integers must be equal.
 */
export const tolerances: Readonly<Record<Precision, {readonly forward: number; readonly gradient: number}>> =
  {
    float32: {forward: 1e-5, gradient: 1e-4},
    tf32: {forward: 1e-3, gradient: 3e-3},
    float16: {forward: 1e-3, gradient: 3e-3},
    bfloat16: {forward: 8e-3, gradient: 2e-2},
  };

/** The precision in which an op is asked to compute. */
export function precisionOf({precision}: Attributes): Precision {
  return precisions.find(name => name === precision) ?? 'float32';
}

/** An op's cases of one use, each in every precision in which the op can be asked to compute and the case is tested. */
export function casesOf(op: OpDefinition, use: OpCase<Attributes>['use']): OpCase<Attributes>[] {
  const cases = op.cases.filter(one => one.use === use);
  if (!('precision' in op.attributes)) return cases;
  return precisions.flatMap(precision =>
    cases
      .filter(one => (one.precisions ?? precisions).includes(precision))
      .map(one => ({
        ...one,
        name: precision === 'float32' ? one.name : `${one.name} in ${precision}`,
        attrs: {...one.attrs, precision},
      })),
  );
}

export interface Deviation {
  /** Output, or gradient as `gradX`. */
  readonly quantity: string;
  readonly error: number;
  readonly isWithin: boolean;
}

/** Compares every result and, unless `gradients` is false, every gradient of one case with the float64 reference. */
export async function deviations(
  op: OpDefinition,
  opCase: OpCase<Attributes>,
  {
    form = 'kernel',
    gradients: wantsGradients = true,
  }: {form?: 'kernel' | 'composed'; gradients?: boolean} = {},
): Promise<Deviation[]> {
  const sample = sampleCase(op, opCase, 3);
  const {results, gradients} = await runOnBackend(sample, form, [], wantsGradients);
  const compare = (
    actual: Record<string, Float32Array | Int32Array>,
    expected: NamedArrays,
    most: number,
  ): Deviation[] =>
    Object.entries(actual).map(([quantity, values]) => {
      const error = relativeError(values, expected[quantity]);
      return {quantity, error, isWithin: values instanceof Int32Array ? error === 0 : error <= most};
    });
  const tolerance = tolerances[precisionOf(opCase.attrs)];
  const found = compare(results, referenceForward(sample), tolerance.forward);
  if (op.backward === undefined || !wantsGradients) return found;
  return [...found, ...compare(gradients, referenceBackward(sample), tolerance.gradient)];
}
