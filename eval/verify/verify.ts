// Compares the public operators and layers on the current backend with test vectors.

import type {Tensor} from '@tensorflow/tfjs-core';
import {addN, dispose, grads, mul, sum, tensor, tidy} from '@tensorflow/tfjs-core';
import {relativeError} from '../../custom-ops/parity.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {asFloat32} from '../../formats/safetensors.js';
import type {Call, Subject} from './subjects.js';
import {knownPrefixes, subjectOf} from './subjects.js';
import type {VectorFile} from './vector-file.js';
import {cotangentName, readVectorFile} from './vector-file.js';

export const TOLERANCE = {value: 1e-5, gradient: 1e-4} as const;

/**
 * One comparison with a test vector: an output or a gradient of one file, and whether its error is within the
 * tolerance.
 */
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

function toTensor(value: NamedTensorData): Tensor {
  const {shape, data} = value;
  return data instanceof Int32Array
    ? tensor(data, [...shape], 'int32')
    : tensor(asFloat32(value).slice(), [...shape], 'float32');
}

/** Errors: Error for another shape: that is no matter of tolerance. */
async function compare(name: string, actual: Tensor, expected: NamedTensorData): Promise<number> {
  if (actual.shape.join() !== expected.shape.join())
    throw new Error(
      `${name} is [${expected.shape.join(', ')}] in the file, [${actual.shape.join(', ')}] here`,
    );
  if (actual.size === 0) return 0;
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
  const compared = [...file.outputs.keys()].filter(name => !subject.internal?.includes(name));
  if (compared.length === 0) throw new Error(`the file has no outputs of ${subject.name} to compare with`);
  checkWork(file);
  const cotangents = new Set([...file.outputs.keys()].map(cotangentName));
  const inputs = Object.fromEntries(
    [...file.inputs]
      .filter(([name]) => !cotangents.has(name))
      .map(([name, value]) => [name, toTensor(value)]),
  );
  const held: Tensor[] = Object.values(inputs);
  let call: Call | undefined;
  try {
    call = subject.prepare(inputs, file.attrs);
    yield* compareAll(fileName, subject, call, file, held);
  } finally {
    dispose(held);
    call?.dispose();
  }
}

/** `held` takes what is to be disposed of, also after an error. */
async function* compareAll(
  fileName: string,
  subject: Subject,
  call: Call,
  file: VectorFile,
  held: Tensor[],
): AsyncGenerator<VerifyRow> {
  const row = (quantity: string, error: number, tolerance: number): VerifyRow => {
    const passed = error <= tolerance; // NaN fails
    return {file: fileName, subject: subject.name, quantity, error, tolerance, passed};
  };
  const outputs = tidy(() => ({...call.run()}));
  held.push(...Object.values(outputs));
  for (const [name, expected] of file.outputs) {
    if (subject.internal?.includes(name)) continue;
    if (outputs[name] === undefined) throw new Error(`out.${name} is not an output of ${subject.name}`);
    const tolerance = expected.data instanceof Int32Array ? 0 : TOLERANCE.value;
    yield row(`out.${name}`, await compare(`out.${name}`, outputs[name], expected), tolerance);
  }
  const gradients = file.gradients.size === 0 ? {} : tidy(() => gradientsOf(call, file));
  held.push(...Object.values(gradients));
  for (const [name, expected] of file.gradients) {
    yield row(`grad.${name}`, await compare(`grad.${name}`, gradients[name], expected), TOLERANCE.gradient);
  }
}

/** Numbers that a call may make for each that its file holds, and in any case. */
const MOST_FOR_EACH = 256;
const MOST_ANYWAY = 1 << 22;

/** Errors: Error for a small file of huge lengths, in tensors without elements or among its attributes. */
function checkWork({inputs, outputs, attrs}: VectorFile): void {
  const all = [...inputs.values(), ...outputs.values()];
  const held = all.reduce((sum, {data}) => sum + data.length, 0);
  const most = Math.max(MOST_ANYWAY, MOST_FOR_EACH * held);
  const spanned = all.map(({shape}) => shape.reduce((product, length) => product * Math.max(1, length), 1));
  const attributes = Object.values(attrs).filter(value => typeof value === 'number');
  if ([...spanned, ...attributes].some(value => !(Math.abs(value) <= most)))
    throw new Error(`the file holds ${held} numbers and lengths or attributes of more than ${most}`);
  const capacity = typeof attrs.capacity === 'number' ? attrs.capacity : 1;
  if (Math.max(...spanned) * Math.max(1, capacity) > MOST_FOR_EACH * most)
    throw new Error(`the file asks for the work of more than ${MOST_FOR_EACH * most} numbers`);
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
