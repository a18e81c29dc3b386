// Runs a plan: several passes with several outputs, recorded into tfjs's own command stream.

import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {env} from '@tensorflow/tfjs-core';
import type {Invocation} from '../../../invocation.js';
import type {Attributes, KernelRole, OpDefinition} from '../../../op.js';
import {inputSpec, kernelName} from '../../../op.js';
import {product} from '../../../sampling.js';
import type {MatrixUnits} from '../../../wgsl/matrix-units.js';
import type {GpuKernel, GpuLimits, Pass, Plan} from '../../../wgsl/plan.js';
import {checkBindingBytes, fitBindings, mostBindingBytes} from './bindings.js';
import {DispatchWriter} from './dispatch-writer.js';
import {fillPass, NAN_WORD} from './fill.js';
import {matrixUnitsOf} from './matrix-support.js';
import type {CompiledPass} from './pipelines.js';
import {Pipelines} from './pipelines.js';
import {PlanTable} from './plan-table.js';
import type {Recorder} from './recorder.js';
import {asRecorder, bufferOf, ownBuffer, submit} from './recorder.js';
import type {RunRecorder} from './run-recorder.js';
import {isSoftware} from './software.js';
import {UniformRing} from './uniform-ring.js';

/** What tests and benchmarks may change. */
export const webgpuDebug: {poison: boolean; selfCheck: boolean; limits: Partial<GpuLimits>} = {
  /** Fill outputs and scratch with NaN before a kernel runs. */
  poison: false,
  /** Compare each op with its definition at its first use, in the background. */
  selfCheck: true,
  /** What plans take for the device's limits instead of what they are: lesser ones. */
  limits: {},
};

/** A pass with the places of its buffers among those of a call: tables, inputs, outputs, scratch, in this order. */
interface PlacedPass {
  readonly compiled: CompiledPass;
  readonly places: readonly number[];
}

interface CompiledPlan {
  readonly passes: readonly PlacedPass[];
  readonly tables: readonly GPUBuffer[];
  /** Bytes of each temporary buffer. */
  readonly scratch: readonly number[];
}

interface DeviceState {
  readonly recorder: Recorder;
  readonly limits: GpuLimits;
  readonly pipelines: Pipelines;
  readonly ring: UniformRing;
  readonly writer: DispatchWriter;
  /** By kernel. */
  readonly plans: Map<string, PlanTable<CompiledPlan>>;
  /** Passes that are no op's. */
  readonly passes: Map<string, CompiledPass>;
  /** The run of a step that is being recorded now. */
  recording?: RunRecorder;
}

const states = new WeakMap<object, DeviceState>();

/** Names of ops that do without a device's matrix units: on them they were found to be wrong. */
const withoutUnits = new WeakMap<MatrixUnits, Set<string>>();

function unitsOf({limits}: DeviceState): MatrixUnits | undefined {
  return {...limits, ...webgpuDebug.limits}.matrixUnits;
}

/** What plans of an op take for other limits than the device's. */
function changedLimits(state: DeviceState, op: OpDefinition): Partial<GpuLimits> {
  const units = unitsOf(state);
  const isWithout = units !== undefined && withoutUnits.get(units)?.has(op.name) === true;
  return isWithout ? {...webgpuDebug.limits, matrixUnits: undefined} : webgpuDebug.limits;
}

/** From now on the op computes without matrix units. False where it did already, or there are none. */
export function leaveMatrixUnits(op: OpDefinition, backend: object): boolean {
  const units = unitsOf(stateOf(backend));
  if (units === undefined) return false;
  const names = withoutUnits.get(units) ?? new Set();
  if (names.has(op.name)) return false;
  withoutUnits.set(units, names.add(op.name));
  return true;
}

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
        bindingBytes: mostBindingBytes(limits),
        workgroups: limits.maxComputeWorkgroupsPerDimension,
        matrixUnits: matrixUnitsOf(recorder.device),
        subgroup: recorder.device.features.has('subgroups') ? recorder.device.adapterInfo.subgroupMinSize : 0,
        loops: isSoftware(recorder.device.adapterInfo),
      },
      pipelines: new Pipelines(recorder.device),
      ring: new UniformRing(recorder),
      writer: new DispatchWriter(recorder),
      plans: new Map(),
      passes: new Map(),
    };
    states.set(backend, state);
  }
  return state;
}

function compile(state: DeviceState, plan: Plan, call: Invocation): CompiledPlan {
  const {device} = state.recorder;
  const tables = Object.values(plan.tables ?? {}).map(values => {
    const buffer = device.createBuffer({
      size: values.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    return buffer;
  });
  const {scratch = {}} = plan;
  const names = [
    ...Object.keys(plan.tables ?? {}),
    ...Object.keys(call.inputs),
    ...call.outputs.map(({name}) => name),
    ...Object.keys(scratch),
  ];
  const passes = plan.passes.map(pass => {
    const compiled = state.pipelines.compile(pass);
    const places = compiled.buffers.map(name => names.lastIndexOf(pass.buffers?.[name] ?? name));
    const lacking = places.indexOf(-1);
    if (lacking >= 0)
      throw new Error(`bmojo: pass ${pass.name} binds ${compiled.buffers[lacking]}, which this call lacks`);
    return {compiled, places};
  });
  return {passes, tables, scratch: Object.values(scratch).map(words => words * 4)};
}

function bufferWords({scratch = {}, tables = {}}: Plan, call: Invocation): Map<string, number> {
  const words = new Map(Object.entries(scratch));
  for (const [name, values] of Object.entries(tables)) words.set(name, values.length);
  for (const [name, {shape}] of Object.entries(call.inputs)) words.set(name, product(shape));
  for (const {name, sizes} of call.outputs) words.set(name, product(sizes));
  return words;
}

const noNames: readonly string[] = [];

function compiledPlan(
  state: DeviceState,
  op: OpDefinition,
  kernel: GpuKernel,
  call: Invocation,
  role: KernelRole,
): CompiledPlan {
  const {dynamic = noNames} = kernel;
  const name = kernelName(op, role);
  let plans = state.plans.get(name);
  if (plans === undefined) {
    plans = new PlanTable(dynamic);
    state.plans.set(name, plans);
  }
  const changed = changedLimits(state, op);
  return plans.find(call, changed, () => {
    const attrs: Attributes = Object.fromEntries(
      Object.entries(call.attrs).filter(([attribute]) => !dynamic.includes(attribute)),
    );
    const planner = kernel[role];
    if (planner === undefined) throw new Error(`bmojo: ${op.name} has no ${role} kernel on webgpu`);
    const limits = {...state.limits, ...changed};
    const plan = planner({
      dims: call.dims,
      attrs,
      present: new Set(Object.keys(call.inputs)),
      wanted: new Set(call.outputs.map(output => output.name)),
      limits,
    });
    const fitted = fitBindings(plan, bufferWords(plan, call), limits);
    checkBindingBytes(op.name, bufferWords(fitted, call), limits);
    return compile(state, fitted, call);
  });
}

type Numbers = Readonly<Record<string, number>>;

const noNumbers: Numbers = {};

/** Buffers of a call by place; an empty tensor has none. */
type CallBuffers = (GPUBuffer | undefined)[];

function placeUniforms(
  {ring, recording}: DeviceState,
  {uniforms = noNames, numbers: own = noNumbers}: Pass,
  numbers: Numbers,
): {buffer: GPUBuffer; offset: number} {
  if (recording !== undefined) return recording.place(uniforms, numbers, own);
  const values = uniforms.map(name => own[name] ?? numbers[name]);
  return {offset: ring.place(values), buffer: ring.buffer};
}

/** `buffers` are the pass's; its uniforms are added to them. */
function record(state: DeviceState, compiled: CompiledPass, buffers: GPUBuffer[], numbers: Numbers): void {
  const {pass, pipeline} = compiled;
  if (pass.uniforms === undefined) {
    state.writer.write(pipeline, state.pipelines.bindGroup(compiled, buffers), pass.workgroups);
    return;
  }
  const {buffer, offset} = placeUniforms(state, pass, numbers);
  buffers.push(buffer);
  state.writer.write(pipeline, state.pipelines.bindGroup(compiled, buffers), pass.workgroups, [offset]);
}

function recordPlaced(
  state: DeviceState,
  {compiled, places}: PlacedPass,
  all: CallBuffers,
  numbers: Numbers,
): void {
  const buffers: GPUBuffer[] = [];
  for (const place of places) {
    const buffer = all[place];
    if (buffer === undefined) throw new Error(`bmojo: pass ${compiled.pass.name} binds an empty tensor`);
    buffers.push(buffer);
  }
  record(state, compiled, buffers, numbers);
}

function fill(state: DeviceState, buffer: GPUBuffer, word: number): void {
  const words = buffer.size / 4;
  const compiled = compiledPass(state, `fill ${words} ${word}`, limits => fillPass(words, word, limits));
  record(state, compiled, [buffer], {});
}

function compiledPass(state: DeviceState, key: string, make: (limits: GpuLimits) => Pass): CompiledPass {
  const known = state.passes.get(key);
  if (known !== undefined) return known;
  const compiled = state.pipelines.compile(make(state.limits));
  state.passes.set(key, compiled);
  return compiled;
}

/** A pass that is no op's, and what it binds in this order. */
export interface PlainPass {
  pass(limits: GpuLimits): Pass;
  readonly inputs: readonly TensorInfo[];
  /** Not empty. */
  readonly outputs: readonly {readonly shape: number[]; readonly dtype: DataType}[];
}

/** Records such a pass, of which `key` says everything, and returns its outputs. */
export function dispatchPass(backend: object, key: string, {pass, inputs, outputs}: PlainPass): TensorInfo[] {
  const state = stateOf(backend);
  const {recorder} = state;
  const compiled = compiledPass(state, key, pass);
  const made = outputs.map(({shape, dtype}) => recorder.makeTensorInfo(shape, dtype));
  const buffers = [...inputs, ...made].map(tensor => bufferOf(recorder, tensor));
  record(state, compiled, buffers, {});
  submitWhenMany(recorder);
  return made;
}

function submitWhenMany(recorder: Recorder): void {
  if (recorder.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) submit(recorder);
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

/** Adds the inputs; values of in-place inputs that the host has cached are dropped, since they are about to change. */
function bindInputs(
  state: DeviceState,
  op: OpDefinition,
  call: Invocation,
  role: KernelRole,
  buffers: CallBuffers,
): void {
  const {recorder} = state;
  for (const name in call.inputs) {
    const tensor = call.inputs[name];
    if (tensor.shape.includes(0)) {
      buffers.push(undefined);
      continue;
    }
    const isCotangent = role === 'backward' && !(name in op.inputs) && !(name in op.outputs);
    if (isCotangent && isHostZero(recorder, tensor)) fillWithZeros(state, tensor);
    if (inputSpec(op, name)?.inPlace) {
      recorder.uploadToGPU(tensor.dataId);
      const data = recorder.tensorMap.get(tensor.dataId);
      data.values = null;
      ownBuffer(recorder, data);
      state.recording?.written.add(tensor.dataId);
    }
    buffers.push(bufferOf(recorder, tensor));
  }
}

function allocateOutput(
  recorder: Recorder,
  {sizes, dtype}: Invocation['outputs'][number],
  buffers: CallBuffers,
): TensorInfo {
  const info = recorder.makeTensorInfo(sizes, dtype as DataType);
  if (sizes.includes(0)) {
    recorder.tensorMap.get(info.dataId).values = dtype === 'int32' ? new Int32Array() : new Float32Array();
    buffers.push(undefined);
  } else {
    buffers.push(bufferOf(recorder, info));
  }
  return info;
}

/** Runs `body` with all its commands recorded. */
export function recordRun<T>(backend: object, recording: RunRecorder, body: () => T): T {
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
  role: KernelRole,
  backend: object,
): TensorInfo[] {
  const state = stateOf(backend);
  const {recorder} = state;
  const compiled = compiledPlan(state, op, kernel, call, role);
  const buffers: CallBuffers = [...compiled.tables];
  bindInputs(state, op, call, role, buffers);
  const firstOutput = buffers.length;
  const outputs = call.outputs.map(output => allocateOutput(recorder, output, buffers));
  const firstScratch = buffers.length;
  for (const bytes of compiled.scratch)
    buffers.push(recorder.bufferManager.acquireBuffer(bytes, scratchUsage()));
  if (webgpuDebug.poison) {
    for (const buffer of buffers.slice(firstOutput)) if (buffer !== undefined) fill(state, buffer, NAN_WORD);
  }
  const numbers = kernel.uniforms?.(call.dims, call.attrs) ?? noNumbers;
  state.recording?.beginCall(op.name, kernel, call.dims, call.attrs);
  for (const pass of compiled.passes) recordPlaced(state, pass, buffers, numbers);
  // Commands run in order, so that a later one may reuse these at once.
  for (const buffer of buffers.slice(firstScratch)) {
    if (buffer !== undefined) recorder.bufferManager.releaseBuffer(buffer);
  }
  submitWhenMany(recorder);
  return outputs;
}

function scratchUsage(): number {
  return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
}
