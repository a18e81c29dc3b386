// Step capture: what a step asks of TensorFlow is recorded once and asked for again, without tfjs's bookkeeping (kernels
// looked up, a tape of gradients, tensors tracked), which costs as much as small ops themselves.
// First run: op by op, which hands over what stays. Second and third: recorded. When the two recordings are alike, later
// runs replay the last one; nobody sees a difference but in time.

import type {Tensor} from '@tensorflow/tfjs-core';
import {backend, dispose, tidy} from '@tensorflow/tfjs-core';
import {onAssignment} from '../assignments.js';
import type {StepCall, StepRunner, StepRunnerOptions} from '../step-call.js';
import {recordingKey, runDirectly, tooManyKinds, toTensor, warnNotRecorded} from '../step-call.js';
import {asArgumentError} from './argument-error.js';
import type {NativeTensor, NodeBackend} from './node-backend.js';
import {Program} from './program.js';
import {Recording} from './recording.js';

/** Recordings of which two in a row must be alike: the first may make what is kept for later ones. */
const ATTEMPTS = 3;

interface Shape {
  attempts: number;
  recording?: Recording;
  /** Where two recordings were alike. */
  program?: Program;
}

export class CapturedStep implements StepRunner {
  replays = 0;
  private readonly shapes = new Map<string, Shape>();
  private readonly backend = backend() as unknown as NodeBackend;
  private readonly kinds: number;
  private isFull = false;
  private refusal: string | undefined;
  private recording: Recording | undefined;
  private readonly stopListening = onAssignment(dataId => {
    if (this.recording !== undefined) this.recording.refusal ??= 'it assigns a variable';
    for (const [key, {recording}] of this.shapes) if (recording?.outside.has(dataId)) this.forget(key);
  });

  constructor({kinds = 2}: Pick<StepRunnerOptions, 'kinds'> = {}) {
    this.kinds = kinds;
  }

  run(call: StepCall): Tensor[] {
    if (this.refusal !== undefined || (backend() as unknown) !== this.backend) return runDirectly(call);
    const key = recordingKey(call);
    const shape = this.shapes.get(key);
    if (shape === undefined) {
      if (this.shapes.size < this.kinds) this.shapes.set(key, {attempts: 0});
      else this.tellTooMany();
      return runDirectly(call);
    }
    if (shape.program === undefined) return this.record(shape, call);
    if (this.isStale(shape)) {
      this.forget(key);
      return runDirectly(call);
    }
    const results = this.replay(shape.program, call);
    this.replays++;
    return results.map(result => this.backend.createOutputTensor(result));
  }

  dispose(): void {
    this.stopListening();
    for (const key of [...this.shapes.keys()]) this.forget(key);
  }

  private forget(key: string): void {
    this.shapes.get(key)?.program?.dispose();
    this.shapes.delete(key);
  }

  /** Whether tensors from outside are gone. */
  private isStale({recording}: Shape): boolean {
    for (const dataId of recording?.outside ?? []) if (!this.backend.tensorMap.has(dataId)) return true;
    return false;
  }

  private record(shape: Shape, call: StepCall): Tensor[] {
    const inputs = call.inputs.map(toTensor);
    const given = [...inputs, ...(call.tensors ?? [])].map(({dataId}) => dataId);
    const recording = new Recording(this.backend, given, new Set(Object.keys(call.varying ?? {})));
    this.recording = recording;
    let results: Tensor[];
    try {
      results = recording.record(() => tidy(() => call.body(inputs, call.tensors ?? [])));
    } finally {
      this.recording = undefined;
      dispose(inputs);
    }
    const cells = results.map(result => recording.resultOf(result));
    const owned = cells.filter(cell => cell !== undefined);
    if (new Set(owned).size < cells.length)
      recording.refusal ??= 'it returns a tensor that it did not compute';
    shape.attempts++;
    const isConfirmed = shape.recording?.equals(recording) ?? false;
    if (!isConfirmed && shape.attempts === ATTEMPTS)
      recording.refusal ??= 'its operations, their sizes or their numbers change from run to run';
    if (recording.refusal !== undefined) {
      this.dispose();
      this.refusal = recording.refusal;
      warnNotRecorded(this.refusal);
      return results;
    }
    if (isConfirmed) shape.program = new Program(this.backend, recording, owned);
    shape.recording = recording;
    return results;
  }

  private tellTooMany(): void {
    if (!this.isFull) warnNotRecorded(tooManyKinds(this.kinds));
    this.isFull = true;
  }

  private replay(program: Program, {inputs, tensors = [], varying = {}}: StepCall): NativeTensor[] {
    const own = inputs.map(toTensor);
    try {
      return program.run(this.backend.getInputTensorIds([...own, ...tensors]), varying);
    } catch (error) {
      throw asArgumentError(error);
    } finally {
      dispose(own);
    }
  }
}
