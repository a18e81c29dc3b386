// Step capture: the GPU commands of a step are recorded once and replayed, instead of being issued op by op.
// First run: op by op, which compiles and uploads what stays. Second and third: recorded. When the two recordings are alike,
// later runs replay the last one.

import type {DataType, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {backend, dispose, engine, keep, tidy} from '@tensorflow/tfjs-core';
import {onAssignment} from '../../assignments.js';
import type {HostInput, StepCall, StepRunner} from '../../step-call.js';
import {recordingKey, runDirectly, tooManyKinds, toTensor, warnNotRecorded} from '../../step-call.js';
import {recordRun, webgpuDebug} from '../dispatch/dispatcher.js';
import type {Dispatch} from '../dispatch/dispatches.js';
import {encodeDispatches, IN_PART} from '../dispatch/dispatches.js';
import type {Recorder} from '../dispatch/recorder.js';
import {asRecorder, bufferOf, submit} from '../dispatch/recorder.js';
import {replacedKernels} from '../dispatch/self-check.js';
import type {ClockOptions} from '../measure/device-clock.js';
import {steadyTimes} from '../measure/device-clock.js';
import type {KernelTime} from '../measure/kernel-times.js';
import {kernelTimes} from '../measure/kernel-times.js';
import {Recording} from './recording.js';

interface Capture {
  readonly inputs: readonly Tensor[];
  /** Copies of the call's tensors, which each replay renews. */
  readonly tensors: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly recording: Recording;
  readonly kernels: number;
  /** Whether an earlier recording was the same. */
  readonly isConfirmed: boolean;
  /** Whether a variable that it uses was assigned since. */
  hasMoved: boolean;
  /** The commands of the next replay, encoded while the device was at work. */
  prepared?: GPUCommandBuffer[];
  isReleased: boolean;
}

interface Shape {
  capture?: Capture;
  log?: string;
}

export interface CaptureOptions {
  /** Told once, when a step or one more kind of runs cannot be recorded, why: they go op by op. Default: a warning. */
  readonly onRefusal?: (reason: string) => void;
  /** Kinds of runs, by `kind` and shapes, that are recorded: the first so many; each holds a step's memory. Default 2. */
  readonly kinds?: number;
}

export class CapturedStep implements StepRunner {
  replays = 0;
  private readonly onRefusal: (reason: string) => void;
  private readonly kinds: number;
  private isFull = false;
  private readonly shapes = new Map<string, Shape>();
  private readonly backend: object = backend();
  private readonly recorder: Recorder = asRecorder(this.backend);
  private refusal: string | undefined;
  private recording: Recording | undefined;
  private readonly stopListening = onAssignment(id => {
    if (this.recording !== undefined) this.recording.refusal ??= 'it assigns a variable';
    for (const {capture} of this.shapes.values())
      if (capture?.recording.outside.has(id)) capture.hasMoved = true;
  });

  constructor({onRefusal = warnNotRecorded, kinds = 2}: CaptureOptions = {}) {
    this.onRefusal = onRefusal;
    this.kinds = kinds;
  }

  run(call: StepCall): Tensor[] {
    const isElsewhere = backend() !== this.backend;
    if (this.refusal !== undefined || isElsewhere || webgpuDebug.poison) return runDirectly(call);
    const key = recordingKey(call);
    const shape = this.shapes.get(key);
    if (shape === undefined) {
      if (this.shapes.size < this.kinds) this.shapes.set(key, {});
      else this.tellTooMany();
      return runDirectly(call);
    }
    if (shape.capture !== undefined && this.isStale(shape.capture)) {
      this.release(shape.capture);
      this.shapes.set(key, {}); // what has moved may have to be uploaded first
      return runDirectly(call);
    }
    return shape.capture?.isConfirmed ? this.replay(shape.capture, call) : this.record(shape, call);
  }

  /** Dispatches of the one step captured; 0 without one. */
  get dispatchCount(): number {
    return this.dispatches?.length ?? 0;
  }

  /** Bytes of the device's buffers, in use and kept for reuse; these are kept for good, so that it is the most there were. */
  get deviceBytes(): number {
    return this.recorder.bufferManager.numBytesAllocated;
  }

  /**
   * Milliseconds of the device for one replay of the one step captured, as {@link steadyTimes} measures: what the step
   * costs a busy device. The replays take the inputs of the last run and change what the step changes, such as weights.
   * Undefined without a captured step or without a clock on the device.
   */
  async deviceTimes(options?: ClockOptions): Promise<number[] | undefined> {
    const {dispatches} = this;
    return dispatches && steadyTimes(this.recorder.device, dispatches, options);
  }

  /**
   * The same by kernel: milliseconds of all its dispatches of the step together, timed apart from the other kernels'.
   * `onProgress` is told after each kernel how many of how many are timed.
   */
  async kernelTimes(
    options?: ClockOptions,
    onProgress?: (done: number, of: number) => void,
  ): Promise<KernelTime[] | undefined> {
    const {dispatches} = this;
    return dispatches && kernelTimes(this.recorder.device, dispatches, options, onProgress);
  }

  dispose(): void {
    this.stopListening();
    for (const {capture} of this.shapes.values()) if (capture !== undefined) this.release(capture);
    this.shapes.clear();
  }

  /** Of the one step captured. */
  private get dispatches(): readonly Dispatch[] | undefined {
    const [shape] = this.shapes.values();
    return shape?.capture?.isConfirmed ? shape.capture.recording.dispatches : undefined;
  }

  /** Whether tensors from outside have moved, or a kernel was replaced, since. */
  private isStale({recording, kernels, hasMoved}: Capture): boolean {
    if (hasMoved || kernels !== replacedKernels()) return true;
    const {tensorMap} = this.recorder;
    for (const [id, buffer] of recording.outside) {
      if (!tensorMap.has(id)) return true;
      const {refCount, resource} = tensorMap.get(id);
      if (refCount === 0 || resource !== buffer) return true;
    }
    return false;
  }

  private record(shape: Shape, call: StepCall): Tensor[] {
    if (shape.capture !== undefined) this.release(shape.capture);
    shape.capture = undefined;
    const inputs = call.inputs.map(input => keep(toTensor(input)));
    for (const input of inputs) bufferOf(this.recorder, input);
    const tensors = this.submitCopies(call.tensors ?? []).map(copy => keep(copy));
    const recording = new Recording(this.recorder, new Set(Object.keys(call.varying ?? {})));
    let outputs: Tensor[];
    this.recording = recording;
    try {
      outputs = recordRun(this.backend, recording, () =>
        tidy(() => call.body(inputs, tensors)).map(one => keep(one)),
      );
    } catch (error) {
      dispose([...inputs, ...tensors]);
      recording.dispose();
      throw error;
    } finally {
      this.recording = undefined;
    }
    const log = recording.log.join('\n');
    const isConfirmed = log === shape.log;
    if (shape.log !== undefined && !isConfirmed)
      recording.refusal ??= 'its operations, their sizes or their numbers change from run to run';
    shape.log = log;
    const capture: Capture = {
      inputs,
      tensors,
      outputs,
      recording,
      kernels: replacedKernels(),
      isConfirmed,
      hasMoved: false,
      isReleased: false,
    };
    const results = this.submitCopies(outputs);
    if (recording.refusal === undefined) {
      shape.capture = capture;
    } else {
      this.release(capture);
      this.dispose();
      this.refusal = recording.refusal;
      this.onRefusal(this.refusal);
    }
    return results;
  }

  private tellTooMany(): void {
    if (!this.isFull) this.onRefusal(tooManyKinds(this.kinds));
    this.isFull = true;
  }

  private replay(capture: Capture, call: StepCall): Tensor[] {
    const {recorder} = this;
    const {inputs, tensors, outputs, recording, prepared} = capture;
    submit(recorder); // what was issued before may still read the inputs of the last run
    inputs.forEach((input, i) => {
      write(recorder, input, call.inputs[i]);
    });
    for (const [name, attributes] of Object.entries(call.varying ?? {})) vary(recording, name, attributes);
    recording.uniforms.flush();
    if (tensors.length > 0) {
      const before = recorder.device.createCommandEncoder();
      tensors.forEach((kept, i) => {
        copyTensor(recorder, before, (call.tensors ?? [])[i], kept);
      });
      recorder.queue.submit([before.finish()]);
    }
    for (const commands of prepared ?? this.encoded(recording)) recorder.queue.submit([commands]);
    const after = recorder.device.createCommandEncoder();
    const copies = this.copies(outputs, after);
    recorder.queue.submit([after.finish()]);
    for (const id of recording.written) recorder.tensorMap.get(id).values = null;
    this.replays++;
    this.prepare(capture);
    return copies;
  }

  /** The commands of a replay in parts. */
  private *encoded({dispatches}: Recording): Generator<GPUCommandBuffer> {
    for (let begin = 0; begin < dispatches.length; begin += IN_PART) {
      const encoder = this.recorder.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      encodeDispatches(pass, dispatches.slice(begin, begin + IN_PART));
      pass.end();
      yield encoder.finish();
    }
  }

  /** Encodes the next replay as soon as the host waits: most often for the device, which works meanwhile. */
  private prepare(capture: Capture): void {
    capture.prepared = undefined;
    setTimeout(() => {
      if (capture.isReleased || capture.prepared !== undefined) return;
      capture.prepared = [...this.encoded(capture.recording)];
    });
  }

  /** Fresh tensors with the values of these, which the next run overwrites. */
  private copies(sources: readonly Tensor[], encoder: GPUCommandEncoder): Tensor[] {
    const {recorder} = this;
    return sources.map(source => {
      const info: TensorInfo = recorder.makeTensorInfo([...source.shape], source.dtype as DataType);
      copyTensor(recorder, encoder, source, info);
      return engine().makeTensorFromTensorInfo(info);
    });
  }

  /** The same at once, behind everything issued before. */
  private submitCopies(sources: readonly Tensor[]): Tensor[] {
    const {recorder} = this;
    for (const source of sources) bufferOf(recorder, source);
    submit(recorder);
    const encoder = recorder.device.createCommandEncoder();
    const copies = this.copies(sources, encoder);
    recorder.queue.submit([encoder.finish()]);
    return copies;
  }

  private release(capture: Capture): void {
    const {recorder} = this;
    const {inputs, tensors, outputs, recording} = capture;
    capture.isReleased = true;
    capture.prepared = undefined;
    dispose([...inputs, ...tensors, ...outputs]);
    recorder.ensureCommandEncoderReady();
    submit(recorder); // tfjs lets go of what is disposed when it submits, even nothing
    recording.dispose();
  }
}

function copyTensor(recorder: Recorder, encoder: GPUCommandEncoder, from: TensorInfo, to: TensorInfo): void {
  const [source, target] = [bufferOf(recorder, from), bufferOf(recorder, to)];
  encoder.copyBufferToBuffer(source, 0, target, 0, source.size);
}

function write(recorder: Recorder, input: Tensor, {values}: HostInput): void {
  recorder.queue.writeBuffer(bufferOf(recorder, input), 0, values as Float32Array<ArrayBuffer>);
}

/** Puts the numbers of this run into the uniforms of an op's calls. */
function vary(recording: Recording, name: string, given: NonNullable<StepCall['varying']>[string]): void {
  const calls = recording.calls.get(name) ?? [];
  const attributes = typeof given === 'function' ? calls.map(({attrs}) => given(attrs)) : given;
  if (calls.length !== attributes.length)
    throw new Error(
      `captured step: varying.${name} must hold ${calls.length} sets of attributes, one for each call, got ${attributes.length}`,
    );
  calls.forEach(({parts}, i) => {
    for (const {kernel, dims, slots} of parts) {
      const numbers = kernel.uniforms?.(dims, attributes[i]) ?? {};
      for (const {names, own, slot} of slots)
        recording.uniforms.change(
          slot,
          names.map(field => own[field] ?? numbers[field]),
        );
    }
  });
}
