// bmojo bench-tensorflow: the tensorflow backend beside wasm and PyTorch, in one run on the same cores.

import {availableParallelism} from 'node:os';
import type {CommandModule} from 'yargs';
import {PyTorch} from '../bench/pytorch.js';
import type {Workload} from '../bench/tensorflow.js';
import {
  attentionSizes,
  attentionWorkload,
  mqarSizes,
  mqarWorkload,
  scanSizes,
  scanWorkload,
} from '../bench/tensorflow.js';
import {median, spread} from '../bench/timing.js';
import type {BackendName} from '../custom-ops/index.js';
import {useBackend} from '../custom-ops/index.js';
import {textTable} from '../eval/table.js';
import {onlyOptions} from './command-line.js';
import {wholeOption} from './number-options.js';

interface BenchArguments {
  readonly python: string;
  readonly rounds: number;
  readonly runs: number;
  readonly json: boolean;
}

interface Measurement {
  readonly title: string;
  readonly make: () => Workload;
  readonly wasm: boolean;
  /** PyTorch's works, and how many runs of them a round has: the slow ones fewer. */
  readonly pytorch: readonly {work: string; runs?: number}[];
  readonly settings: object;
}

const measurements: readonly Measurement[] = [
  {
    title: 'selectiveScan forward+backward, B4 L512 E256 N16',
    make: scanWorkload,
    wasm: true,
    pytorch: [{work: 'scan-loop', runs: 1}, {work: 'scan-compiled'}],
    settings: scanSizes,
  },
  {
    title: 'memoryAttention forward, B4 L2048 H8 Dh64 w256 me32',
    make: () => attentionWorkload(false),
    wasm: false,
    pytorch: [{work: 'attention-forward-dense'}, {work: 'attention-forward-chunked'}],
    settings: attentionSizes,
  },
  {
    title: 'memoryAttention forward+backward, B4 L2048 H8 Dh64 w256 me32',
    make: () => attentionWorkload(true),
    wasm: false,
    pytorch: [
      {work: 'attention-dense', runs: 1},
      {work: 'attention-chunked', runs: 1},
    ],
    settings: attentionSizes,
  },
  {
    title: 'MQAR training step, L256 batch 32 D64, 2 layers, w32 me32',
    make: mqarWorkload,
    wasm: true,
    pytorch: [{work: 'mqar'}],
    settings: mqarSizes,
  },
];

/** Times of one workload on one backend, after a warm-up. */
async function timeWorkload(backend: BackendName, make: () => Workload, runs: number): Promise<number[]> {
  await useBackend(backend);
  const workload = make();
  await workload.run();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await workload.run();
    times.push(performance.now() - start);
  }
  workload.dispose();
  return times;
}

/** Medians by contestant; rounds alternate between them, so that a busy machine is busy for all. */
async function measure(
  {title, make, wasm, pytorch, settings}: Measurement,
  python: PyTorch,
  {rounds, runs}: BenchArguments,
): Promise<{title: string; contestant: string; ms: number; spreadMs: number; ratio: number}[]> {
  const times = new Map<string, number[]>();
  const add = (contestant: string, values: number[]): void => {
    times.set(contestant, [...(times.get(contestant) ?? []), ...values]);
  };
  for (let round = 0; round < rounds; round++) {
    add('tensorflow', await timeWorkload('tensorflow', make, runs));
    if (wasm) add('wasm', await timeWorkload('wasm', make, runs));
    for (const one of pytorch)
      add(`PyTorch ${one.work}`, await python.time(one.work, settings, one.runs ?? runs));
  }
  const own = median(times.get('tensorflow') ?? []);
  return [...times].map(([contestant, values]) => {
    const ms = median(values);
    return {title, contestant, ms, spreadMs: spread(values), ratio: ms / own};
  });
}

const options = {
  python: {
    type: 'string' as const,
    default: 'python3',
    describe: 'Python that has the packages of bench/pytorch/requirements.txt',
  },
  rounds: {...wholeOption('rounds, in each of which all take turns'), default: 3},
  runs: {...wholeOption('runs of each in a round, after a warm-up'), default: 5},
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object a line'},
};

export const benchTensorFlowCommand: CommandModule<object, BenchArguments> = {
  builder: yargs =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 bench-tensorflow --python venv/bin/python',
        'after python3 -m venv venv && venv/bin/pip install -r bench/pytorch/requirements.txt',
      ),
  handler: async args => {
    const python = new PyTorch(args.python);
    try {
      const cores = availableParallelism();
      const {torch, threads, error} = await python.start(cores);
      if (!args.json) {
        console.log(
          `${cores} cores; PyTorch ${torch} with ${threads} threads, its forms agree to ${error.toExponential(0)}`,
        );
        console.log('x: how many times longer than tensorflow; medians\n');
      }
      for (const measurement of measurements) {
        const found = await measure(measurement, python, args);
        if (args.json) {
          for (const one of found) console.log(JSON.stringify(one));
          continue;
        }
        const rows = found.map(({contestant, ms, spreadMs, ratio}) => [
          contestant,
          ms.toFixed(1),
          spreadMs.toFixed(1),
          ratio.toFixed(2),
        ]);
        console.log(`${measurement.title}\n${textTable([['by', 'ms', 'spread', 'x'], ...rows])}\n`);
      }
    } finally {
      python.stop();
    }
  },
};
