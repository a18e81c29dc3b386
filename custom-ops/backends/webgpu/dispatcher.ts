// Runs a plan: several passes with several outputs, recorded into tfjs's own command stream.

import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {env} from '@tensorflow/tfjs-core';
import type {Attributes, OpDefinition} from '../../op.js';
import {kernelName} from '../../op.js';
import {product} from '../../sampling.js';
import type {Invocation} from '../invocation.js';
import {fitBindings} from './bindings.js';
import {fillPass, NAN_WORD} from './fill.js';
import type {CompiledPass} from './pipelines.js';
import {Pipelines} from './pipelines.js';
import type {GpuKernel, GpuLimits, Plan} from './plan.js';
import type {Recorder} from './recorder.js';
import {asRecorder, bufferOf, computePass, submit} from './recorder.js';
import type {Recording} from './recording.js';
import {UniformRing} from './uniform-ring.js';

/** What tests may change. */
export const webgpuDebug: {poison: boolean; selfCheck: boolean; limits: Partial<GpuLimits>} = {
  /** Fill outputs and scratch with NaN before a kernel runs. */
  poison: false,
  /** Compare each op with its definition at its first use, in the background. */
  selfCheck: true,
  /** What plans take for the device's limits instead of what they are: lesser ones. */
  limits: {},
};

interface CompiledPlan {
  readonly plan: Plan;
  readonly passes: readonly CompiledPass[];
  readonly tables: ReadonlyMap<string, GPUBuffer>;
}

interface DeviceState {
  readonly recorder: Recorder;
  readonly limits: GpuLimits;
  readonly pipelines: Pipelines;
  readonly ring: UniformRing;
  /** By kernel, then by key. */
  readonly plans: Map<string, Map<string, CompiledPlan>>;
  readonly fills: Map<string, CompiledPass>;
  /** The run of a step that is being recorded now. */
  recording?: Recording;
}

const states = new WeakMap<object, DeviceState>();

function stateOf(backend: object): DeviceState {
  let state = states.get(backend);
  if (state === undefined) {
    const recorder = asRecorder(backend);
    const {limits} = recorder.device;
    state = {
      recorder,
      limits: {
        invocations: limits.maxComputeInvocationsPerWorkgroup,
        workgroupBytes: limits.maxComputeWorkgroupStorageSize,
        storageBuffers: limits.maxStorageBuffersPerShaderStage,
        workgroups: limits.maxComputeWorkgroupsPerDimension,
        subgroup: recorder.device.features.has('subgroups') ? recorder.device.adapterInfo.subgroupMinSize : 0,
      },
      pipelines: new Pipelines(recorder.device),
      ring: new UniformRing(recorder),
      plans: new Map(),
      fills: new Map(),
    };
    states.set(backend, state);
  }
  return state;
}

function compile(state: DeviceState, plan: Plan): CompiledPlan {
  const {device} = state.recorder;
  const tables = new Map<string, GPUBuffer>();
  for (const [name, values] of Object.entries(plan.tables ?? {})) {
    const buffer = device.createBuffer({
      size: values.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    tables.set(name, buffer);
  }
  return {plan, passes: plan.passes.map(pass => state.pipelines.compile(pass)), tables};
}

function bufferWords({scratch = {}, tables = {}}: Plan, call: Invocation): Map<string, number> {
  const words = new Map(Object.entries(scratch));
  for (const [name, values] of Object.entries(tables)) words.set(name, values.length);
  for (const [name, {shape}] of Object.entries(call.inputs)) words.set(name, product(shape));
  for (const {name, sizes} of call.outputs) words.set(name, product(sizes));
  return words;
}

/** Everything that shapes a plan, as text; sizes and attributes come in the same order at every call of an op. */
function planKey({dims, attrs, inputs}: Invocation, dynamic: readonly string[]): string {
  const {limits} = webgpuDebug;
  let key = '';
  for (const name in limits) key += `${name} ${limits[name as keyof GpuLimits]} `;
  for (const name in dims) key += ` ${dims[name]}`;
  for (const name in attrs) if (!dynamic.includes(name)) key += ` ${attrs[name]}`;
  for (const name in inputs) key += ` ${name}`;
  return key;
}

const noNames: readonly string[] = [];

function compiledPlan(
  state: DeviceState,
  op: OpDefinition,
  kernel: GpuKernel,
  call: Invocation,
  direction: 'forward' | 'backward',
): CompiledPlan {
  const {dynamic = noNames} = kernel;
  const name = kernelName(op, direction);
  const plans = state.plans.get(name) ?? new Map<string, CompiledPlan>();
  state.plans.set(name, plans);
  const key = planKey(call, dynamic);
  let compiled = plans.get(key);
  if (compiled === undefined) {
    const attrs: Attributes = Object.fromEntries(
      Object.entries(call.attrs).filter(([attribute]) => !dynamic.includes(attribute)),
    );
    const planner = direction === 'forward' ? kernel.forward : kernel.backward;
    if (planner === undefined) throw new Error(`bmojo: ${op.name} has no ${direction} kernel on webgpu`);
    const limits = {...state.limits, ...webgpuDebug.limits};
    const plan = planner({
      dims: call.dims,
      attrs,
      present: new Set(Object.keys(call.inputs)),
      wanted: new Set(call.outputs.map(output => output.name)),
      limits,
    });
    compiled = compile(state, fitBindings(plan, bufferWords(plan, call), limits));
    plans.set(key, compiled);
  }
  return compiled;
}

type NamedBuffers = ReadonlyMap<string, GPUBuffer>;
type Numbers = Readonly<Record<string, number>>;

function placeUniforms(
  {ring, recording}: DeviceState,
  names: readonly string[],
  numbers: Numbers,
): {buffer: GPUBuffer; offset: number} {
  const values = names.map(name => numbers[name]);
  if (recording === undefined) return {offset: ring.place(values), buffer: ring.buffer};
  return recording.place(names, values);
}

function record(state: DeviceState, compiled: CompiledPass, named: NamedBuffers, numbers: Numbers): void {
  const {pass} = compiled;
  const buffers = compiled.buffers.map(name => {
    const buffer = named.get(name);
    if (buffer === undefined)
      throw new Error(`bmojo: pass ${pass.name} binds ${name}, which this call lacks`);
    return buffer;
  });
  const place = pass.uniforms && placeUniforms(state, pass.uniforms, numbers);
  const encoder = computePass(state.recorder);
  encoder.setPipeline(compiled.pipeline);
  const group = state.pipelines.bindGroup(compiled, buffers, place?.buffer);
  encoder.setBindGroup(0, group, place === undefined ? [] : [place.offset]);
  encoder.dispatchWorkgroups(...pass.workgroups);
  state.recorder.dispatchCountInPass++;
}

function fill(state: DeviceState, buffer: GPUBuffer, word: number): void {
  const words = buffer.size / 4;
  const key = `${words} ${word}`;
  let compiled = state.fills.get(key);
  if (compiled === undefined) {
    compiled = state.pipelines.compile(fillPass(words, word, state.limits));
    state.fills.set(key, compiled);
  }
  record(state, compiled, new Map([['words', buffer]]), {});
}

/** Whether a tensor is still on the host alone, and zero: what tf makes for the gradient of an unused result. */
function isHostZero({tensorMap}: Recorder, {dataId}: TensorInfo): boolean {
  const {resource, values} = tensorMap.get(dataId);
  if ((resource !== undefined && resource !== null) || !(values instanceof Float32Array)) return false;
  return values.every(value => value === 0);
}

/** Cheaper than an upload, which would also end the compute pass. */
function fillWithZeros(state: DeviceState, tensor: TensorInfo): void {
  const {recorder} = state;
  recorder.tensorMap.get(tensor.dataId).values = null;
  fill(state, bufferOf(recorder, tensor), 0);
}

/** Inputs by name; values of in-place inputs that the host has cached are dropped, since they are about to change. */
function bindInputs(
  state: DeviceState,
  op: OpDefinition,
  call: Invocation,
  direction: 'forward' | 'backward',
  buffers: Map<string, GPUBuffer>,
): void {
  const {recorder} = state;
  const isCotangent = (name: string): boolean =>
    direction === 'backward' && !(name in op.inputs) && !(name in op.outputs);
  for (const [name, tensor] of Object.entries(call.inputs)) {
    if (tensor.shape.includes(0)) continue;
    if (isCotangent(name) && isHostZero(recorder, tensor)) fillWithZeros(state, tensor);
    buffers.set(name, bufferOf(recorder, tensor));
    if (!op.inputs[name]?.inPlace) continue;
    recorder.tensorMap.get(tensor.dataId).values = null;
    state.recording?.written.add(tensor.dataId);
  }
}

function allocateOutput(
  recorder: Recorder,
  {name, sizes, dtype}: Invocation['outputs'][number],
  buffers: Map<string, GPUBuffer>,
): TensorInfo {
  const info = recorder.makeTensorInfo(sizes, dtype as DataType);
  if (sizes.includes(0)) {
    recorder.tensorMap.get(info.dataId).values = dtype === 'int32' ? new Int32Array() : new Float32Array();
  } else {
    buffers.set(name, bufferOf(recorder, info));
  }
  return info;
}

/** Runs `body` with all its commands recorded. */
export function recordRun<T>(backend: object, recording: Recording, body: () => T): T {
  const state = stateOf(backend);
  state.recording = recording;
  try {
    return recording.record(body);
  } finally {
    state.recording = undefined;
  }
}

/** Records the passes of one call and returns its outputs. */
export function dispatch(
  op: OpDefinition,
  kernel: GpuKernel,
  call: Invocation,
  direction: 'forward' | 'backward',
  backend: object,
): TensorInfo[] {
  const state = stateOf(backend);
  const {recorder} = state;
  const compiled = compiledPlan(state, op, kernel, call, direction);
  const buffers = new Map<string, GPUBuffer>(compiled.tables);
  bindInputs(state, op, call, direction, buffers);
  const outputs = call.outputs.map(output => allocateOutput(recorder, output, buffers));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const scratch = Object.entries(compiled.plan.scratch ?? {}).map(([name, words]) => {
    const buffer = recorder.bufferManager.acquireBuffer(words * 4, usage);
    buffers.set(name, buffer);
    return buffer;
  });
  if (webgpuDebug.poison) {
    for (const {name} of call.outputs) {
      const buffer = buffers.get(name);
      if (buffer !== undefined) fill(state, buffer, NAN_WORD);
    }
    for (const buffer of scratch) fill(state, buffer, NAN_WORD);
  }
  const numbers = kernel.uniforms?.(call.dims, call.attrs) ?? {};
  state.recording?.beginCall(op.name, kernel, call.dims, call.attrs);
  for (const pass of compiled.passes) record(state, pass, buffers, numbers);
  // Commands run in order, so that a later one may reuse these at once.
  for (const buffer of scratch) recorder.bufferManager.releaseBuffer(buffer);
  if (recorder.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) submit(recorder);
  return outputs;
}
