// Compares the public operators and layers on the current backend with test vectors.

import type {Tensor} from '@tensorflow/tfjs-core';
import {addN, dispose, grads, mul, sum, tensor, tidy} from '@tensorflow/tfjs-core';
import {relativeError} from '../../custom-ops/parity.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import type {Call} from './subjects.js';
import {knownPrefixes, subjectOf} from './subjects.js';
import type {VectorFile} from './vector-file.js';
import {cotangentName, readVectorFile} from './vector-file.js';

export const TOLERANCE = {value: 1e-5, gradient: 1e-4} as const;

export interface VerifyRow {
  readonly file: string;
  readonly subject: string;
  /** `out.y`, `grad.u`, or `file` when the file as a whole failed. */
  readonly quantity: string;
  /** RMS of the difference over RMS of the vector; for integers the share of elements that differ. */
  readonly error: number;
  readonly tolerance: number;
  readonly passed: boolean;
  readonly message?: string;
}

function toTensor({shape, data}: NamedTensorData): Tensor {
  return data instanceof Int32Array
    ? tensor(data, [...shape], 'int32')
    : tensor(Float32Array.from(data), [...shape], 'float32');
}

async function compare(actual: Tensor, expected: NamedTensorData): Promise<number> {
  const values = await actual.data();
  if (!(expected.data instanceof Int32Array)) return relativeError(values, expected.data);
  const differing = expected.data.filter((value, i) => value !== values[i]).length;
  return values.length === expected.data.length ? differing / Math.max(1, values.length) : Number.NaN;
}

/** Gradients of the sum of cotangents times outputs, for every leaf that the file has a gradient of. */
function gradientsOf(call: Call, file: VectorFile): Record<string, Tensor> {
  const names = [...file.gradients.keys()];
  for (const name of names) if (call.leaves[name] === undefined) throw new Error(`grad.${name} has no input`);
  const objective = (): Tensor => {
    const terms = Object.entries(call.run()).flatMap(([name, value]) => {
      const cotangent = file.inputs.get(cotangentName(name));
      return cotangent === undefined ? [] : [sum(mul(value, toTensor(cotangent)))];
    });
    return terms.length === 1 ? terms[0] : addN(terms);
  };
  const values = grads(objective)(names.map(name => call.leaves[name]));
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}

async function* verifyVectors(fileName: string, file: VectorFile): AsyncGenerator<VerifyRow> {
  const subject = subjectOf(fileName);
  if (subject === undefined) {
    throw new Error(
      `no function is known for this name; it must start with one of ${knownPrefixes.join(', ')}`,
    );
  }
  const cotangents = new Set([...file.outputs.keys()].map(cotangentName));
  const inputs = Object.fromEntries(
    [...file.inputs]
      .filter(([name]) => !cotangents.has(name))
      .map(([name, value]) => [name, toTensor(value)]),
  );
  const call = subject.prepare(inputs, file.attrs);
  const row = (quantity: string, error: number, tolerance: number): VerifyRow => {
    const passed = error <= tolerance; // NaN fails
    return {file: fileName, subject: subject.name, quantity, error, tolerance, passed};
  };
  const outputs = tidy(() => ({...call.run()}));
  for (const [name, expected] of file.outputs) {
    if (subject.internal?.includes(name)) continue;
    if (outputs[name] === undefined) throw new Error(`out.${name} is not an output of ${subject.name}`);
    const tolerance = expected.data instanceof Int32Array ? 0 : TOLERANCE.value;
    yield row(`out.${name}`, await compare(outputs[name], expected), tolerance);
  }
  const gradients = file.gradients.size === 0 ? {} : tidy(() => gradientsOf(call, file));
  for (const [name, expected] of file.gradients) {
    yield row(`grad.${name}`, await compare(gradients[name], expected), TOLERANCE.gradient);
  }
  dispose([...Object.values(outputs), ...Object.values(gradients), ...Object.values(inputs)]);
  call.dispose();
}

/** A file of test vectors and how to read it. */
export interface VectorSource {
  readonly name: string;
  read(): Uint8Array;
}

/** A row for each output and gradient of every file. A file that cannot be read or has no known function is a row that failed. */
export async function* verifyFiles(files: Iterable<VectorSource>): AsyncGenerator<VerifyRow> {
  for (const {name, read} of files) {
    try {
      yield* verifyVectors(name, readVectorFile(read()));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      yield {
        file: name,
        subject: '-',
        quantity: 'file',
        error: Number.NaN,
        tolerance: 0,
        passed: false,
        message,
      };
    }
  }
}
