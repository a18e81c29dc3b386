// The parts of tfjs's WebGPU backend that are there at run time but not in its types: its command stream.

import type {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';

type DataId = TensorInfo['dataId'];

export interface TensorData {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly refCount: number;
  values: unknown;
  resource?: unknown;
  /** Whether the resource is not tfjs's to reuse. */
  external?: boolean;
}

/** tfjs's pool of buffers. */
export interface BufferManager {
  readonly numBytesUsed: number;
  readonly numBytesAllocated: number;
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
}

/** tfjs's own manager, with the buffers that it has, by size and usage. */
export interface StockBuffers extends BufferManager {
  readonly freeBuffers: ReadonlyMap<string, readonly GPUBuffer[]>;
  readonly usedBuffers: ReadonlyMap<string, readonly GPUBuffer[]>;
}

/** One field of the uniforms of a tfjs program. */
export interface TfjsUniform {
  readonly type: string;
  readonly data: readonly number[];
}

/** One of tfjs's own programs, for certain shapes. */
export interface StockProgram {
  readonly shaderKey: string;
  readonly variableNames: readonly string[];
  readonly outputShape: number[];
  readonly workgroupSize: readonly number[];
  readonly dispatch: readonly [number, number, number];
  readonly dispatchLayout: {readonly x: number[]; readonly y?: number[]; readonly z?: number[]};
  readonly size?: boolean;
  readonly outputComponent?: number;
  /** For programs about pictures. */
  readonly pixelsOpType?: number;
  /** There once the program has run. */
  readonly pipeline?: GPUComputePipeline | Promise<GPUComputePipeline>;
}

/** tfjs 4.22.0's WebGPUBackend as seen by code that records dispatches of its own. */
export interface Recorder {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly tensorMap: {get(id: DataId): TensorData; has(id: DataId): boolean};
  bufferManager: BufferManager;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  /** There while programs are timed. */
  readonly activeTimers?: unknown;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  uploadToGPU(id: DataId): void;
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  makeUniforms(uniforms: TfjsUniform[]): object;
  runWebGPUProgram: (
    program: StockProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    uniforms?: TfjsUniform[] | null,
    output?: TensorInfo,
  ) => TensorInfo;
}

export function asRecorder(backend: unknown): Recorder {
  return backend as WebGPUBackend as unknown as Recorder;
}

/** The compute pass to record into, begun when none is open. */
export function computePass(recorder: Recorder): GPUComputePassEncoder {
  recorder.ensureCommandEncoderReady();
  if (recorder.commandEncoder === null)
    throw new Error('bmojo: tfjs has no command encoder; use tfjs 4.22.0');
  recorder.computePassEncoder ??= recorder.commandEncoder.beginComputePass();
  return recorder.computePassEncoder;
}

/** Hands everything recorded to the device. */
export function submit(recorder: Recorder): void {
  recorder.endComputePassEncoder();
  if (recorder.commandEncoder !== null) recorder.submitQueue();
}

/** The buffer of a tensor, uploaded if it was only in host memory. */
export function bufferOf(recorder: Recorder, tensor: TensorInfo): GPUBuffer {
  recorder.uploadToGPU(tensor.dataId);
  const {resource} = recorder.tensorMap.get(tensor.dataId);
  if (!(resource instanceof GPUBuffer)) throw new Error('bmojo: a tensor on WebGPU is not a buffer');
  return resource;
}

/** Gives a tensor a buffer of its own where it has another's: needed before its memory is written. */
export function ownBuffer(recorder: Recorder, data: TensorData): void {
  if (data.external !== true || !(data.resource instanceof GPUBuffer)) return;
  const shared = data.resource;
  const own = recorder.bufferManager.acquireBuffer(shared.size, shared.usage);
  recorder.ensureCommandEncoderReady();
  recorder.endComputePassEncoder();
  recorder.commandEncoder?.copyBufferToBuffer(shared, 0, own, 0, shared.size);
  data.resource = own;
  data.external = false;
}

/** Resolves when the device has done everything issued so far. */
export async function finishWork(backend: unknown): Promise<void> {
  const recorder = asRecorder(backend);
  submit(recorder);
  await recorder.queue.onSubmittedWorkDone();
}
