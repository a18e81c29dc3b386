// Times every operator: its kernel, its composed form and the JavaScript kernel, forward and with the gradient.

import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import {
  backend as currentBackend,
  dispose,
  grads,
  profile,
  tensor,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import {SettingError} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {useBackend, useWebGPU} from '../custom-ops/index.js';
import type {Attributes, OpCase, OpDefinition} from '../custom-ops/op.js';
import {gradName, kernelPorts, shapeOf} from '../custom-ops/op.js';
import {opList} from '../custom-ops/op-list.js';
import {runOp, withComposedOps} from '../custom-ops/run.js';
import {caseDims, product, sampleCase} from '../custom-ops/sampling.js';
import type {Timing, TimingLimits} from './timing.js';
import {measurable, median, time, timeInTurns, timingOf} from './timing.js';

export type Form = 'kernel' | 'composed' | 'javascript';

export interface OpTiming {
  readonly op: string;
  readonly case: string;
  readonly form: Form;
  readonly backend: BackendName;
  /** Median milliseconds. */
  readonly forwardMs: number;
  /** Milliseconds between the quartiles of the forward runs, and of those with the gradient. */
  readonly forwardSpreadMs: number;
  readonly totalSpreadMs?: number;
  /** Median of forward and gradient together; absent for an op without gradient. */
  readonly totalMs?: number;
  /** Median of the gradient alone: on the host's clock of differences between runs in turns, else of totalMs - forwardMs. */
  readonly backwardMs?: number;
  /** Whether there is a gradient whose time a busy machine hid: the difference came out as nothing or less. */
  readonly notMeasurable: boolean;
  readonly runs: number;
  /** Whose clock; see {@link Timing}. */
  readonly clock: Timing['clock'];
  /** Bytes that the forward pass must at least move: inputs read once, outputs written once. */
  readonly forwardBytes: number;
  /** Milliseconds that the device takes to move these bytes in a plain copy; on webgpu alone. */
  readonly copyFloorMs?: number;
  /** Largest total of tensor bytes alive during forward and gradient, by tf's count. */
  readonly peakBytes: number;
}

export interface BenchOptions {
  readonly backend: BackendName;
  /** Names of operators; default all. */
  readonly ops?: readonly string[];
  /** Only cases whose name contains this text. */
  readonly filter?: string;
  /** Which forms to time beside the kernel. */
  readonly forms: readonly Form[];
  readonly limits: TimingLimits;
}

interface Runner {
  readonly forward: () => Tensor[];
  readonly total?: () => Tensor[];
  readonly inputs: Record<string, Tensor | Variable>;
}

function prepare(op: OpDefinition, opCase: OpCase<Attributes>): Runner {
  const sample = sampleCase(op, opCase, 1);
  const inputs: Record<string, Tensor> = {};
  for (const [name, values] of Object.entries(sample.inputs)) {
    const spec = op.inputs[name];
    const data = values instanceof Int32Array ? values : Float32Array.from(values);
    const created = tensor(data, shapeOf(spec, sample.dims), spec.dtype);
    inputs[name] = spec.inPlace ? variable(created) : created;
    if (spec.inPlace) created.dispose();
  }
  const left = Object.keys(op.outputs).filter(name => op.outputs[name].optional);
  const forward = (): Tensor[] => {
    const results = Object.values(runOp(op, inputs, sample.attrs, left));
    return results.length > 0 ? results : [Object.values(inputs)[0].clone()];
  };
  const names = Object.keys(inputs).filter(name => op.inputs[name].differentiable);
  if (op.backward === undefined || names.length === 0) return {forward, inputs};
  // The gradient of the first output is given, as in training, so that no other operation is timed.
  const [first] = Object.keys(op.outputs);
  const cotangent = tensor(
    Float32Array.from(sample.cotangents[gradName(first)]),
    shapeOf(op.outputs[first], sample.dims),
  );
  const output = (...xs: Tensor[]): Tensor =>
    runOp(op, {...inputs, ...Object.fromEntries(names.map((name, i) => [name, xs[i]]))}, sample.attrs, left)[
      first
    ];
  const values = names.map(name => inputs[name]);
  const total = (): Tensor[] => tidy(() => grads(output)(values, cotangent));
  return {forward, total, inputs: {...inputs, cotangent}};
}

function forwardBytes(op: OpDefinition, opCase: OpCase<Attributes>): number {
  const dims = caseDims(op, opCase);
  const {inputs, outputs} = kernelPorts(op, 'forward');
  const present = inputs.filter(port => !opCase.omit?.includes(port.name));
  return [...present, ...outputs].reduce((bytes, port) => bytes + 4 * product(shapeOf(port, dims)), 0);
}

interface Times {
  readonly forward: Timing;
  readonly total?: Timing;
  /** Milliseconds of the gradient alone. */
  readonly backwardMs?: number;
}

/**
 * On the device's own clock; undefined where one of the two cannot be timed so, since both must be of one clock: one is
 * taken from the other.
 */
async function deviceTimes(
  {forward, total}: Omit<Runner, 'inputs'>,
  budgetMs: number,
): Promise<Times | undefined> {
  const {deviceTiming} = await import('./device-timing.js');
  const options = {warmUpMs: budgetMs / 10, roundMs: budgetMs / 50, totalMs: budgetMs};
  // While the host drew the inputs, the device has slowed down.
  const first = await deviceTiming(forward, {...options, warmUpMs: budgetMs / 2});
  if (first === undefined || total === undefined) return first && {forward: first};
  const second = await deviceTiming(total, options);
  return second && {forward: first, total: second, backwardMs: second.medianMs - first.medianMs};
}

/** Forward, and forward with the gradient, in turns: what the gradient takes is a median of differences between neighbours. */
async function hostTimes({forward, total}: Omit<Runner, 'inputs'>, limits: TimingLimits): Promise<Times> {
  if (total === undefined) return {forward: await time(forward, limits)};
  const [alone, both] = await timeInTurns([forward, total], limits);
  return {
    forward: timingOf(alone, 'host'),
    total: timingOf(both, 'host'),
    backwardMs: median(both.map((ms, i) => ms - alone[i])),
  };
}

/** Bytes that the device copies in a millisecond, read and written ones counted; on webgpu alone. */
async function copyRate({backend}: BenchOptions): Promise<number | undefined> {
  if (backend !== 'webgpu') return undefined;
  const {software} = await useWebGPU();
  const {copyMilliseconds} = await import('../custom-ops/backends/webgpu/index.js');
  const bytes = software ? 2 ** 22 : 2 ** 28;
  return (2 * bytes) / (await copyMilliseconds(currentBackend(), bytes));
}

async function timeCase(
  op: OpDefinition,
  opCase: OpCase<Attributes>,
  form: Form,
  options: BenchOptions,
  copyBytesPerMs: number | undefined,
): Promise<OpTiming> {
  const backend = form === 'javascript' ? 'cpu' : options.backend;
  await useBackend(backend);
  const runner = prepare(op, opCase);
  const as = (run: () => Tensor[]) => (): Tensor[] => (form === 'composed' ? withComposedOps(run) : run());
  const runs = {forward: as(runner.forward), total: runner.total && as(runner.total)};
  const {minRuns, budgetMs} = options.limits;
  const limits =
    form === 'javascript'
      ? {minRuns: Math.min(3, minRuns), onceIfSlow: true, budgetMs: budgetMs / 4}
      : options.limits;
  const onDevice = backend === 'webgpu' ? await deviceTimes(runs, budgetMs) : undefined;
  const {forward, total, backwardMs} = onDevice ?? (await hostTimes(runs, limits));
  const {peakBytes} = await profile(() => {
    dispose((runs.total ?? runs.forward)());
    return [];
  });
  dispose(Object.values(runner.inputs));
  const bytes = forwardBytes(op, opCase);
  return {
    op: op.name,
    case: opCase.name,
    form,
    backend,
    forwardMs: forward.medianMs,
    forwardSpreadMs: forward.spreadMs,
    totalMs: total?.medianMs,
    totalSpreadMs: total?.spreadMs,
    backwardMs: measurable(backwardMs),
    notMeasurable: total !== undefined && measurable(backwardMs) === undefined,
    runs: forward.runs,
    clock: forward.clock,
    forwardBytes: bytes,
    ...(copyBytesPerMs === undefined || backend === 'cpu' ? {} : {copyFloorMs: bytes / copyBytesPerMs}),
    peakBytes,
  };
}

/**
 * One timing for each operator, benchmark case and form, in that order.
 * Errors: SettingError when no case has the text of `filter` in its name.
 */
export async function* benchOps(options: BenchOptions): AsyncGenerator<OpTiming> {
  const {ops, filter = '', forms} = options;
  const timed = opList
    .filter(op => ops === undefined || ops.includes(op.name))
    .flatMap(op => op.cases.filter(({use}) => use === 'bench').map(opCase => ({op, opCase})));
  const wanted = timed.filter(({opCase}) => opCase.name.includes(filter));
  if (wanted.length === 0) {
    const names = timed.map(({opCase}) => opCase.name).join('; ');
    throw new SettingError(`--case must be part of the name of a case, got '${filter}'; there are ${names}`);
  }
  const copyBytesPerMs = await copyRate(options);
  for (const {op, opCase} of wanted) {
    for (const form of ['kernel', ...forms] as const) {
      if (form !== 'kernel' && opCase.kernelOnly) continue;
      yield await timeCase(op, opCase, form, options, copyBytesPerMs);
    }
  }
}
