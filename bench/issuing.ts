// What it costs to issue an operation on a GPU: kernels so small that the host's work is all there is to measure.

import type {Rank, Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {add, backend, dispose, ones, scalar, tidy} from '@tensorflow/tfjs-core';
import {plainDispatches, selfChecksDone} from '../custom-ops/backends/webgpu/index.js';
import type {StepRunner} from '../custom-ops/index.js';
import {createStepRunner, finishBackend, rmsNorm, swiglu} from '../custom-ops/index.js';
import type {GpuTiming} from './gpu.js';
import {median} from './timing.js';

const OPERATIONS = 300;
/** Milliseconds of each form's rounds before those that count: the host's code is compiled, and each op checked. */
const WARM_UP_MS = 1000;
/** Milliseconds of the rounds that count, in which all forms take turns: a slow moment of the host falls on all alike. */
const MEASURED_MS = 6000;

interface Cost {
  /** Microseconds of an operation until it is handed over, and until the device has done it. */
  readonly issued: number;
  readonly done: number;
}

/** `OPERATIONS` operations; the tensors that it returns are disposed afterwards. */
type Round = () => Tensor[];

async function warmUp(round: Round): Promise<void> {
  const begin = performance.now();
  do {
    dispose(round());
    await finishBackend();
    await selfChecksDone();
  } while (performance.now() - begin < WARM_UP_MS);
}

/** Medians of each form over rounds that take turns. */
async function costsOf(forms: Readonly<Record<string, Round>>): Promise<Record<string, Cost>> {
  for (const round of Object.values(forms)) await warmUp(round);
  const measured = Object.entries(forms).map(([name, round]) => ({
    name,
    round,
    issued: [] as number[],
    done: [] as number[],
  }));
  const begin = performance.now();
  do {
    for (const {round, issued, done} of measured) {
      const start = performance.now();
      const results = round();
      issued.push(performance.now() - start);
      await finishBackend();
      done.push(performance.now() - start);
      dispose(results);
    }
  } while (performance.now() - begin < MEASURED_MS);
  const each = (milliseconds: number[]): number => (1000 * median(milliseconds)) / OPERATIONS;
  return Object.fromEntries(
    measured.map(({name, issued, done}) => [name, {issued: each(issued), done: each(done)}]),
  );
}

function timing(name: string, {issued, done}: Cost): GpuTiming {
  return {
    name,
    ms: (done * OPERATIONS) / 1000,
    rate: `${issued.toFixed(1)} us each to issue, ${done.toFixed(1)} us until done`,
  };
}

/** Operations issued one by one (tfjs's own and ours), and the same replayed as a captured step. */
export async function* issueTimings(): AsyncGenerator<GpuTiming> {
  const x = ones<Rank.R3>([1, 1, 1024]);
  const gain = ones<Rank.R1>([1024]);
  const one = scalar(1);
  const chains: Readonly<Record<string, (y: Tensor3D) => Tensor3D>> = {
    'tf.add': y => add(y, one),
    'tf.add of a JavaScript number': y => add(y, 1),
    swiglu: y => swiglu(y, x),
    rmsNorm: y => rmsNorm(y, gain),
  };
  const chain = (next: (y: Tensor3D) => Tensor3D, start: Tensor3D): Tensor3D => {
    let y = start;
    for (let i = 0; i < OPERATIONS; i++) y = next(y);
    return y;
  };
  const forms: Record<string, Round> = {};
  for (const [name, next] of Object.entries(chains)) {
    forms[`${OPERATIONS} times ${name} of 1,024 numbers`] = () => [tidy(() => chain(next, x))];
  }
  const runner: StepRunner = await createStepRunner();
  const call = {
    inputs: [{values: new Float32Array(1024).fill(1), shape: [1, 1, 1024]}],
    body: ([start]: readonly Tensor[]) => [chain(chains['tf.add'], start as Tensor3D)],
  };
  for (let warm = 0; warm < 4; warm++) dispose(runner.run(call));
  const replay = `${OPERATIONS} times tf.add, replayed as a step`;
  forms[replay] = () => runner.run(call);
  const plain = plainDispatches(backend(), OPERATIONS, 1024);
  const calls = `${OPERATIONS} dispatches alone, by WebGPU's own calls`;
  forms[calls] = () => {
    plain.run();
    return [];
  };
  const costs = await costsOf(forms);
  if (runner.replays === 0) throw new Error('bmojo: the step was not replayed');
  const ratio = (costs[replay].done / costs[calls].done).toFixed(2);
  for (const [name, cost] of Object.entries(costs)) {
    const row = timing(name, cost);
    if (name !== calls) yield row;
    else yield {...row, rate: `${row.rate}; a replayed step takes ${ratio} times as long`};
  }
  runner.dispose();
  plain.dispose();
  dispose([x, gain, one]);
}
