// A step that runs again and again with inputs of the same shapes, such as a training step: what a backend may record once
// and replay, and how it runs without.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose, tensor, tidy} from '@tensorflow/tfjs-core';
import type {Attributes} from '../op.js';

/** Values that a step takes from the host: numbers in row-major order, and their shape. */
export interface HostInput {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/**
 * One run of a step for a {@link StepRunner}: what computes it, and everything that differs from run to run;
 * tensors of any shape.
 */
export interface StepCall {
  /** Tells apart runs of different operations that take inputs of the same shapes. */
  readonly kind?: string;
  /** Everything that differs from run to run and is not computed on the device. */
  readonly inputs: readonly HostInput[];
  /** Tensors that differ from run to run, such as a memory that the run before left; they stay the caller's. */
  readonly tensors?: readonly Tensor[];
  /**
   * For ops whose numbers differ from run to run, such as a learning rate: the attributes of each of their calls in this
   * run, in the order of the calls, or what makes them from the recorded ones. A call on several sets of inputs is one.
   */
  readonly varying?: Readonly<Record<string, readonly Attributes[] | ((recorded: Attributes) => Attributes)>>;
  /** Computes the results from inputs and tensors; everything else that it makes is disposed. */
  body(inputs: readonly Tensor[], tensors: readonly Tensor[]): Tensor[];
}

/**
 * Runs a step again and again, on tensors of any shape: recorded once and replayed where the backend can, op
 * by op elsewhere, with the same numbers.
 */
export interface StepRunner {
  /** Runs one step; the results are the caller's to dispose. */
  run(call: StepCall): Tensor[];
  /** Runs so far that were replays of recorded commands. */
  readonly replays: number;
  dispose(): void;
}

/** Options of `createStepRunner`; defaults stand beside each. */
export interface StepRunnerOptions {
  /** Whether to record at all. Default true. */
  readonly capture?: boolean;
  /** Kinds of runs, by `kind` and shapes, that are recorded: the first so many; each holds a step's memory. Default 2. */
  readonly kinds?: number;
}

/** What runs of one recording have in common: their kind and the shapes of what they take. */
export function recordingKey({kind = '', inputs, tensors = []}: StepCall): string {
  return [
    kind,
    ...inputs.map(({shape, values}) => `${values.constructor.name} ${shape.join()}`),
    ...tensors.map(({shape, dtype}) => `${dtype} ${shape.join()}`),
  ].join(';');
}

/** Says on the console that runs go op by op, and why. */
export function warnNotRecorded(reason: string): void {
  console.warn(`bmojo: this step is not recorded and runs op by op: ${reason}`);
}

/** Why a run of one kind more than are recorded goes op by op. */
export function tooManyKinds(kinds: number): string {
  return `its inputs take more than the ${kinds === 1 ? 'one shape' : `${kinds} shapes or kinds`} that are (\`kinds\` of createStepRunner)`;
}

export function toTensor({values, shape}: HostInput): Tensor {
  return tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}

/** Runs a step op by op. */
export function runDirectly({inputs, tensors = [], body}: StepCall): Tensor[] {
  const given = inputs.map(toTensor);
  try {
    return tidy(() => body(given, tensors));
  } finally {
    dispose(given);
  }
}
