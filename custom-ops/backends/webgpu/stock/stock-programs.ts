// tfjs's own programs, issued at a fraction of its cost: what tfjs works out at every call (shader key, uniforms, bind
// group) is known from the call before with the same shapes. Its own path is taken the first time.

import type {TensorInfo} from '@tensorflow/tfjs-core';
import {env} from '@tensorflow/tfjs-core';
import {DispatchWriter} from '../dispatch/dispatch-writer.js';
import type {Recorder, StockProgram, TensorData, TfjsUniform} from '../dispatch/recorder.js';
import {submit} from '../dispatch/recorder.js';
import {completeKey} from './program-keys.js';
import {SmallConstants} from './small-constants.js';
import type {StockCall, UniformSlot} from './stock-plan.js';
import {asAsked, StockPlan} from './stock-plan.js';
import {UniformStore} from './uniform-store.js';

/** Combinations of shapes kept for one program, and of program and shapes and their bind groups for all. */
const SHAPES_KEPT = 64;
const PLANS_KEPT = 4096;
const GROUPS_KEPT = 16384;

const noUniforms: readonly TfjsUniform[] = [];

type RunProgram = Recorder['runWebGPUProgram'];

export class StockPrograms {
  /** By the program's name, the one used last in front. */
  private readonly plans = new Map<string, StockPlan[]>();
  private readonly constants: SmallConstants;
  private readonly uniforms: UniformStore;
  private readonly writer: DispatchWriter;
  private kept = 0;
  private groups = 0;
  private readonly stock: RunProgram;

  constructor(private readonly recorder: Recorder) {
    this.stock = recorder.runWebGPUProgram;
    this.constants = new SmallConstants(recorder);
    this.writer = new DispatchWriter(recorder);
    this.uniforms = new UniformStore(recorder, () => this.forget());
  }

  /** In place of tfjs's method of this name. */
  run: RunProgram = (program, inputs, dtype, uniforms, given) => {
    const {recorder} = this;
    completeKey(program);
    const isOrdinary =
      program.pixelsOpType === undefined &&
      (recorder.activeTimers ?? null) === null &&
      !program.outputShape.includes(0) &&
      !env().getBool('WEBGPU_ENGINE_COMPILE_ONLY');
    const stored: TensorData[] = [];
    const buffers: GPUBuffer[] = [];
    if (!isOrdinary || !this.upload(inputs, stored, buffers))
      return this.stock.call(recorder, program, inputs, dtype, uniforms, given);
    const output = given ?? recorder.makeTensorInfo(program.outputShape, dtype);
    recorder.uploadToGPU(output.dataId);
    const call = {program, inputs, stored, output, uniforms: uniforms ?? noUniforms};
    const plan = this.planOf(call);
    const target = recorder.tensorMap.get(output.dataId).resource;
    if (plan === undefined || !(target instanceof GPUBuffer)) {
      const asked = asAsked(program);
      this.stock.call(recorder, program, inputs, dtype, uniforms, output);
      if (plan === undefined) this.learn(asked, call);
      return output;
    }
    buffers.push(target);
    const slot = plan.slot(call, this.uniforms);
    this.writer.write(plan.pipeline, this.group(plan, slot, buffers), plan.workgroups);
    if (recorder.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE'))
      submit(recorder);
    return output;
  };

  /** Adds where the inputs are stored, uploaded where needed; false when one is no buffer. */
  private upload(inputs: readonly TensorInfo[], stored: TensorData[], buffers: GPUBuffer[]): boolean {
    const {recorder} = this;
    for (const {dataId, dtype} of inputs) {
      if (dtype === 'complex64' || dtype === 'string') return false;
      const data = recorder.tensorMap.get(dataId);
      if (data.resource === undefined || data.resource === null) {
        this.constants.share(data);
        recorder.uploadToGPU(dataId);
      }
      if (!(data.resource instanceof GPUBuffer)) return false;
      stored.push(data);
      buffers.push(data.resource);
    }
    return true;
  }

  private planOf(call: StockCall): StockPlan | undefined {
    const plans = this.plans.get(call.program.shaderKey);
    if (plans === undefined) return undefined;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i];
      if (!plan.serves(call)) continue;
      if (i > 0) {
        plans[i] = plans[0];
        plans[0] = plan;
      }
      return plan;
    }
    return undefined;
  }

  private learn(asked: StockProgram, call: StockCall): void {
    const {pipeline, dispatch} = call.program;
    if (pipeline === undefined || pipeline instanceof Promise) return;
    if (this.kept >= PLANS_KEPT) {
      this.plans.clear();
      this.kept = 0;
    }
    let plans = this.plans.get(asked.shaderKey);
    if (plans === undefined) {
      plans = [];
      this.plans.set(asked.shaderKey, plans);
    }
    const plan = new StockPlan(asked, pipeline, dispatch, call);
    if (plans.length < SHAPES_KEPT) this.kept++;
    else plans.pop();
    plans.unshift(plan);
  }

  /** `buffers` are the inputs' and then the output's. */
  private group({layout}: StockPlan, slot: UniformSlot, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const known = slot.groups.get(buffers);
    if (known !== undefined) return known;
    const {offset, size, groups} = slot;
    const {length} = buffers;
    // tfjs binds the output first.
    const entries = buffers.map((buffer, i): GPUBindGroupEntry => {
      return {binding: (i + 1) % length, resource: {buffer}};
    });
    entries.push({binding: length, resource: {buffer: this.uniforms.buffer, offset, size}});
    const group = this.recorder.device.createBindGroup({layout, entries});
    if (this.groups++ >= GROUPS_KEPT) {
      for (const plan of this.all()) plan.forgetGroups();
      this.groups = 1;
    }
    groups.set(buffers, group);
    return group;
  }

  private forget(): void {
    for (const plan of this.all()) plan.forgetSlots();
    this.groups = 0;
  }

  private all(): StockPlan[] {
    return [...this.plans.values()].flat();
  }
}
