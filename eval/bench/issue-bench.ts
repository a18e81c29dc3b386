// What it costs to issue an operation on a GPU: kernels so small that the host's work is all there is to measure.

import type {Rank, Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {add, backend, dispose, ones, scalar, tidy} from '@tensorflow/tfjs-core';
import {plainDispatches, selfChecksDone} from '../../custom-ops/backends/webgpu/index.js';
import type {StepRunner} from '../../custom-ops/index.js';
import {createStepRunner, finishBackend, rmsNorm, swiglu} from '../../custom-ops/index.js';
import type {GpuTiming} from './gpu-bench.js';
import {median} from './timing.js';

const OPERATIONS = 300;
const ROUNDS = 31;
/** Milliseconds of rounds before those that count: at its first uses the host's code is compiled, and each op checked. */
const WARM_UP_MS = 1000;

interface Cost {
  /** Microseconds of an operation until it is handed over, and until the device has done it. */
  readonly issued: number;
  readonly done: number;
}

async function costOf(run: () => Tensor[], operations: number): Promise<Cost> {
  const issued: number[] = [];
  const done: number[] = [];
  const begin = performance.now();
  do {
    dispose(run());
    await finishBackend();
    await selfChecksDone();
  } while (performance.now() - begin < WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const results = run();
    issued.push(performance.now() - start);
    await finishBackend();
    done.push(performance.now() - start);
    dispose(results);
  }
  const each = (milliseconds: number[]): number => (1000 * median(milliseconds)) / operations;
  return {issued: each(issued), done: each(done)};
}

function timing(name: string, {issued, done}: Cost, operations: number): GpuTiming {
  return {
    name,
    ms: (done * operations) / 1000,
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
  for (const [name, next] of Object.entries(chains)) {
    const cost = await costOf(() => [tidy(() => chain(next, x))], OPERATIONS);
    yield timing(`${OPERATIONS} times ${name} of 1,024 numbers`, cost, OPERATIONS);
  }
  const runner: StepRunner = await createStepRunner();
  const call = {
    inputs: [{values: new Float32Array(1024).fill(1), shape: [1, 1, 1024]}],
    body: ([start]: readonly Tensor[]) => [chain(chains['tf.add'], start as Tensor3D)],
  };
  for (let warm = 0; warm < 4; warm++) dispose(runner.run(call));
  const replayed = await costOf(() => runner.run(call), OPERATIONS);
  if (runner.replays === 0) throw new Error('bmojo: the step was not replayed');
  yield timing(`${OPERATIONS} times tf.add, replayed as a step`, replayed, OPERATIONS);
  runner.dispose();
  const plain = plainDispatches(backend(), OPERATIONS, 1024);
  const floor = await costOf(() => {
    plain.run();
    return [];
  }, OPERATIONS);
  plain.dispose();
  const name = `${OPERATIONS} dispatches alone, by WebGPU's own calls`;
  const {rate, ...rest} = timing(name, floor, OPERATIONS);
  const ratio = (replayed.done / floor.done).toFixed(2);
  yield {...rest, rate: `${rate}; a replayed step takes ${ratio} times as long`};
  dispose([x, gain, one]);
}
