// Records the commands of one run of a step while it runs: pipelines, bind groups and sizes of every dispatch, tfjs's own
// included, with every buffer held. The hooks are on the backend's instance and are taken off again.

import {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';
import type {Attributes, Dims} from '../../../op.js';
import type {GpuKernel} from '../../../wgsl/plan.js';
import type {Dispatch} from '../dispatch/dispatches.js';
import type {Recorder} from '../dispatch/recorder.js';
import {asRecorder, submit} from '../dispatch/recorder.js';
import type {RunRecorder} from '../dispatch/run-recorder.js';
import {completeKey} from '../stock/program-keys.js';
import {HeldBuffers} from './held-buffers.js';
import {slotBytes, UniformBlock} from './uniform-block.js';

type DataId = TensorInfo['dataId'];
type Numbers = Readonly<Record<string, number>>;

/** A call of one of our ops, with where its uniforms lie. */
export interface OpCall {
  readonly kernel: GpuKernel;
  readonly dims: Dims;
  readonly slots: {readonly names: readonly string[]; readonly own: Numbers; readonly slot: number}[];
}

export class Recording implements RunRecorder {
  readonly dispatches: Dispatch[] = [];
  /** By op; calls made together, which share their attributes, are one. */
  readonly calls = new Map<string, {readonly attrs: Attributes; readonly parts: OpCall[]}[]>();
  /** Tensors from outside, such as weights, with the buffers that they had. */
  readonly outside = new Map<DataId, GPUBuffer>();
  /** Tensors whose memory a replay changes. */
  readonly written = new Set<DataId>();
  readonly uniforms: UniformBlock;
  /** Why this run cannot be replayed. */
  refusal: string | undefined;
  /** What tells two runs apart, beside the values of inputs. */
  readonly log: string[] = [];
  private readonly buffers: HeldBuffers;
  private readonly made = new Set<DataId>();
  private readonly pipelines = new Map<GPUComputePipeline, number>();
  private call: OpCall | undefined;
  private isVarying = false;
  /** Name of the kernel that runs now, and the sizes of one of ours. */
  private kernel = '';
  private size: string | undefined;

  /** `varying` names the ops whose numbers each run brings along; those of others must stay as they are. */
  constructor(
    private readonly recorder: Recorder,
    private readonly varying: ReadonlySet<string>,
  ) {
    this.buffers = new HeldBuffers(recorder.bufferManager);
    this.uniforms = new UniformBlock(recorder.device);
  }

  /** Runs `body` with everything that it issues recorded. */
  record<T>(body: () => T): T {
    const {recorder} = this;
    submit(recorder);
    const pool = recorder.bufferManager;
    const {uploadToGPU, makeUniforms, ensureCommandEncoderReady, runWebGPUProgram} = recorder;
    const stock = asRecorder(WebGPUBackend.prototype).runWebGPUProgram; // each buffer seen as it is taken
    recorder.runWebGPUProgram = (program, ...rest) => {
      completeKey(program);
      return stock.call(recorder, program, ...rest);
    };
    recorder.bufferManager = this.buffers;
    recorder.uploadToGPU = id => {
      // What comes from the host may outlive this recording, as a weight would: its buffer is of the common pool.
      if (this.comesFromHost(id)) recorder.bufferManager = pool;
      uploadToGPU.call(recorder, id);
      recorder.bufferManager = this.buffers;
      const {resource} = recorder.tensorMap.get(id);
      if (!this.made.has(id) && resource instanceof GPUBuffer) this.outside.set(id, resource);
    };
    recorder.makeUniforms = uniforms => {
      this.log.push(uniforms.map(({type, data}) => `${type} ${data.join()}`).join(';'));
      return makeUniforms.call(recorder, uniforms);
    };
    recorder.ensureCommandEncoderReady = () => {
      if (recorder.commandEncoder !== null) return;
      recorder.commandEncoder = this.watchEncoder(recorder.device.createCommandEncoder());
    };
    const tfjs = engine();
    const {runKernel} = tfjs;
    tfjs.runKernel = <T extends Tensor | Tensor[]>(...call: Parameters<typeof runKernel>): T => {
      const around = this.kernel;
      [this.kernel] = call;
      this.size = undefined;
      try {
        return runKernel.apply(tfjs, call) as T;
      } finally {
        this.kernel = around;
      }
    };
    try {
      const result = body();
      submit(recorder);
      return result;
    } finally {
      tfjs.runKernel = runKernel;
      Object.assign(recorder, {
        bufferManager: pool,
        uploadToGPU,
        makeUniforms,
        ensureCommandEncoderReady,
        runWebGPUProgram,
      });
    }
  }

  /** Called by the dispatcher before it records the passes of a call. */
  beginCall(name: string, kernel: GpuKernel, dims: Dims, attrs: Attributes): void {
    this.call = {kernel, dims, slots: []};
    this.isVarying = this.varying.has(name);
    // Of calls together their number says enough.
    const {calls, ...sizes} = dims;
    const told = calls === undefined ? sizes : {calls};
    this.size = Object.entries(told)
      .map(([letter, size]) => `${letter}${size}`)
      .join(' ');
    const known = this.calls.get(name) ?? [];
    this.calls.set(name, known);
    const last = known.at(-1);
    if (last?.attrs === attrs) last.parts.push(this.call);
    else known.push({attrs, parts: [this.call]});
  }

  place(names: readonly string[], numbers: Numbers, own: Numbers): {buffer: GPUBuffer; offset: number} {
    const values = names.map(name => own[name] ?? numbers[name]);
    const slot = this.uniforms.place(values);
    this.call?.slots.push({names, own, slot});
    if (!this.isVarying) this.log.push(values.join());
    return {buffer: this.uniforms.buffer, offset: slotBytes(slot)};
  }

  dispose(): void {
    this.buffers.dispose();
    this.uniforms.dispose();
  }

  /** Whether a tensor has its values on the host alone; the run cannot be replayed then. */
  private comesFromHost(id: DataId): boolean {
    const {resource, values, shape, dtype} = this.recorder.tensorMap.get(id);
    if (resource !== undefined && resource !== null) return false;
    this.made.add(id);
    if (values === undefined || values === null) return false;
    this.refusal ??= `it takes a ${dtype} tensor [${shape.join(', ')}] from the host that is not among its inputs`;
    return true;
  }

  private watchEncoder(encoder: GPUCommandEncoder): GPUCommandEncoder {
    const watched = {
      beginComputePass: (descriptor?: GPUComputePassDescriptor) => {
        if (descriptor?.timestampWrites !== undefined) this.refusal ??= 'it is being timed';
        return this.watchPass(encoder.beginComputePass(descriptor));
      },
      copyBufferToBuffer: (...copy: Parameters<GPUCommandEncoder['copyBufferToBuffer']>) => {
        this.refusal ??= 'it reads values back, or copies them from the host';
        encoder.copyBufferToBuffer(...copy);
      },
      resolveQuerySet: (...query: Parameters<GPUCommandEncoder['resolveQuerySet']>) =>
        encoder.resolveQuerySet(...query),
      finish: () => encoder.finish(),
    };
    return watched as unknown as GPUCommandEncoder; // all that tfjs's compute backend calls
  }

  private watchPass(pass: GPUComputePassEncoder): GPUComputePassEncoder {
    let pipeline: GPUComputePipeline | undefined;
    let group: GPUBindGroup | undefined;
    let offsets: readonly number[] = [];
    const watched = {
      setPipeline: (next: GPUComputePipeline) => {
        pipeline = next;
        pass.setPipeline(next);
      },
      setBindGroup: (index: number, next: GPUBindGroup, dynamic: readonly number[] = []) => {
        group = next;
        offsets = dynamic;
        pass.setBindGroup(index, next, dynamic);
      },
      dispatchWorkgroups: (x: number, y = 1, z = 1) => {
        pass.dispatchWorkgroups(x, y, z);
        if (pipeline === undefined || group === undefined) return;
        const size = this.size ?? [x, y, z].join(' x ');
        this.dispatches.push({kernel: this.kernel, size, pipeline, group, offsets, workgroups: [x, y, z]});
        this.log.push(`${this.numberOf(pipeline)} ${x} ${y} ${z}`);
      },
      end: () => pass.end(),
    };
    return watched as unknown as GPUComputePassEncoder;
  }

  private numberOf(pipeline: GPUComputePipeline): number {
    const known = this.pipelines.get(pipeline) ?? this.pipelines.size;
    this.pipelines.set(pipeline, known);
    return known;
  }
}
