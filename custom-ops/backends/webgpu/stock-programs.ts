// tfjs's own programs, issued at a fraction of its cost: what tfjs works out at every call (shader key, uniforms, bind
// group) is known from the call before with the same shapes. Its own path is taken the first time.

import type {TensorInfo} from '@tensorflow/tfjs-core';
import {env} from '@tensorflow/tfjs-core';
import {bufferNumber} from './pipelines.js';
import type {Recorder, StockProgram, TfjsUniform} from './recorder.js';
import {computePass, submit} from './recorder.js';
import {SmallConstants} from './small-constants.js';
import type {UniformSlot} from './uniform-store.js';
import {UniformStore} from './uniform-store.js';

/** Combinations of program and shapes kept, and bind groups of all of them. */
const PLANS_KEPT = 4096;
const GROUPS_KEPT = 16384;

interface StockPlan {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly workgroups: readonly [number, number, number];
  /** By the program's own uniforms as text. */
  readonly slots: Map<string, UniformSlot>;
}

const noUniforms: readonly TfjsUniform[] = [];

type RunProgram = Recorder['runWebGPUProgram'];

/** Everything that shapes a program's code, its dispatch and the uniforms that follow from shapes. */
function planKey(program: StockProgram, inputs: readonly TensorInfo[], output: TensorInfo): string {
  const {dispatchLayout: layout} = program;
  let key = `${program.shaderKey}|${program.workgroupSize}|${program.dispatch}|${program.variableNames}`;
  key += `|${program.size === true} ${program.outputComponent} ${layout.y?.length ?? 0} ${layout.z?.length ?? 0}`;
  for (const {shape, dtype} of inputs) key += `|${dtype} ${shape}`;
  return `${key}|${output.dtype} ${output.shape} ${program.outputShape}`;
}

function strides(shape: readonly number[]): number[] {
  const found: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    stride *= shape[axis];
    found.unshift(stride);
  }
  return found;
}

/** The uniforms that tfjs gives to every program. */
function shapeUniforms(
  {size, outputShape, outputComponent}: StockProgram,
  inputs: readonly TensorInfo[],
  output: TensorInfo,
): TfjsUniform[] {
  const shapes = [...inputs, output].flatMap(({shape}) => [
    {type: 'int32', data: shape},
    {type: 'int32', data: strides(shape)},
  ]);
  const count = outputShape.reduce((total, one) => total * one, 1) / (outputComponent || 1);
  return [
    {type: 'float32', data: [Number.NaN]},
    {type: 'float32', data: [Number.POSITIVE_INFINITY]},
    ...shapes,
    ...(size ? [{type: 'int32', data: [count]}] : []),
  ];
}

export class StockPrograms {
  private readonly plans = new Map<string, StockPlan>();
  private readonly constants: SmallConstants;
  private readonly uniforms: UniformStore;
  private groups = 0;
  private readonly stock: RunProgram;

  constructor(private readonly recorder: Recorder) {
    this.stock = recorder.runWebGPUProgram;
    this.constants = new SmallConstants(recorder);
    this.uniforms = new UniformStore(recorder, () => this.forget());
  }

  /** In place of tfjs's method of this name. */
  run: RunProgram = (program, inputs, dtype, uniforms, given) => {
    const {recorder} = this;
    const isOrdinary =
      program.pixelsOpType === undefined &&
      (recorder.activeTimers ?? null) === null &&
      !program.outputShape.includes(0) &&
      !env().getBool('WEBGPU_ENGINE_COMPILE_ONLY');
    const buffers = isOrdinary ? this.buffersOf(inputs) : undefined;
    if (buffers === undefined) return this.stock.call(recorder, program, inputs, dtype, uniforms, given);
    const output = given ?? recorder.makeTensorInfo(program.outputShape, dtype);
    const stored = inputs.map(input => this.asStored(input));
    const key = planKey(program, stored, this.asStored(output));
    const plan = this.plans.get(key);
    recorder.uploadToGPU(output.dataId);
    const target = recorder.tensorMap.get(output.dataId).resource;
    if (plan === undefined || !(target instanceof GPUBuffer)) {
      this.stock.call(recorder, program, inputs, dtype, uniforms, output);
      this.learn(key, program);
      return output;
    }
    buffers.unshift(target);
    const slot = this.slot(plan, program, inputs, output, uniforms ?? noUniforms);
    const group = this.group(plan, slot, buffers);
    const pass = computePass(recorder);
    pass.setPipeline(plan.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(plan.workgroups[0], plan.workgroups[1], plan.workgroups[2]);
    recorder.dispatchCountInPass++;
    if (recorder.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE'))
      submit(recorder);
    return output;
  };

  /** Buffers of the inputs, uploaded where needed; undefined when one is no buffer. */
  private buffersOf(inputs: readonly TensorInfo[]): GPUBuffer[] | undefined {
    const {recorder} = this;
    const buffers: GPUBuffer[] = [];
    for (const {dataId, dtype} of inputs) {
      if (dtype === 'complex64' || dtype === 'string') return undefined;
      const data = recorder.tensorMap.get(dataId);
      if (data.resource === undefined || data.resource === null) {
        this.constants.share(data);
        recorder.uploadToGPU(dataId);
      }
      if (!(data.resource instanceof GPUBuffer)) return undefined;
      buffers.push(data.resource);
    }
    return buffers;
  }

  /** A tensor with the type of its memory, which its own may differ from. */
  private asStored({dataId, shape}: TensorInfo): TensorInfo {
    return {dataId, shape, dtype: this.recorder.tensorMap.get(dataId).dtype};
  }

  private learn(key: string, {pipeline, dispatch}: StockProgram): void {
    if (pipeline === undefined || pipeline instanceof Promise) return;
    if (this.plans.size >= PLANS_KEPT) this.plans.clear();
    const [x, y, z] = dispatch;
    const layout = pipeline.getBindGroupLayout(0);
    this.plans.set(key, {pipeline, layout, workgroups: [x, y, z], slots: new Map()});
  }

  private slot(
    {slots}: StockPlan,
    program: StockProgram,
    inputs: readonly TensorInfo[],
    output: TensorInfo,
    own: readonly TfjsUniform[],
  ): UniformSlot {
    let text = '';
    for (const {type, data} of own) text += `${type} ${data};`;
    let slot = slots.get(text);
    if (slot === undefined) {
      slot = this.uniforms.place([...shapeUniforms(program, inputs, output), ...own]);
      slots.set(text, slot);
    }
    return slot;
  }

  private group({layout}: StockPlan, slot: UniformSlot, buffers: readonly GPUBuffer[]): GPUBindGroup {
    let key = '';
    for (const buffer of buffers) key += `${bufferNumber(buffer)},`;
    const known = slot.groups.get(key);
    if (known !== undefined) return known;
    const {offset, size, groups} = slot;
    const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({binding, resource: {buffer}}));
    entries.push({binding: buffers.length, resource: {buffer: this.uniforms.buffer, offset, size}});
    const group = this.recorder.device.createBindGroup({layout, entries});
    if (this.groups++ >= GROUPS_KEPT) {
      for (const plan of this.plans.values()) for (const one of plan.slots.values()) one.groups.clear();
      this.groups = 1;
    }
    groups.set(key, group);
    return group;
  }

  private forget(): void {
    for (const {slots} of this.plans.values()) slots.clear();
    this.groups = 0;
  }
}
