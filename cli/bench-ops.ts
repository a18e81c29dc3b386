// bmojo bench ops: times the operators side by side and prints ratios, as a table or JSON lines.

import type {CommandModule} from 'yargs';
import {benchGpu} from '../bench/gpu.js';
import {issueTimings} from '../bench/issuing.js';
import type {Form, OpTiming} from '../bench/ops.js';
import {benchOps} from '../bench/ops.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, useWebGPU} from '../custom-ops/index.js';
import {ops} from '../custom-ops/op-list.js';
import {printGpuTimings} from './bench-gpu.js';
import {onlyOptions} from './command-line.js';
import {numberOption, wholeOption} from './number-options.js';

interface BenchArguments {
  readonly backend: BackendName;
  readonly op?: string[];
  readonly case?: string;
  readonly runs: number;
  readonly seconds: number;
  readonly beside: (Form | 'nothing')[];
  readonly large?: boolean;
  readonly json: boolean;
}

const columns = [
  'op',
  'case',
  'form',
  'forward ms',
  'spread',
  'x',
  'backward ms',
  'x',
  'total ms',
  'spread',
  'GB/s',
  'x copy',
  'peak MB',
] as const;
const widths = [18, 30, 12, 10, 7, 7, 14, 7, 9, 7, 7, 7, 8] as const;

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' ');
}

/**
 * Times are medians; `spread`: what lies between the quartiles, as a share of the median. `x`: how many times longer than the kernel of the same case. `x copy`: than a copy of the bytes that the forward pass
 * must move.
 */
export function row(timing: OpTiming, kernel: OpTiming): string {
  const number = (value: number | undefined, digits = 2): string =>
    value === undefined ? '-' : value.toFixed(digits);
  const digits = timing.clock === 'device' ? 3 : 2;
  const ratio = (value?: number, base?: number): string =>
    value === undefined || base === undefined || timing === kernel ? '' : (value / base).toFixed(1);
  const share = (spread?: number, of?: number): string =>
    spread === undefined || of === undefined ? '-' : `${Math.round((100 * spread) / of)} %`;
  return line([
    timing.op,
    timing.case,
    timing.backend === 'webgpu' && timing.clock === 'host' ? `${timing.form} *` : timing.form,
    number(timing.forwardMs, digits),
    share(timing.forwardSpreadMs, timing.forwardMs),
    ratio(timing.forwardMs, kernel.forwardMs),
    timing.notMeasurable ? 'not measurable' : number(timing.backwardMs, digits),
    ratio(timing.backwardMs, kernel.backwardMs),
    number(timing.totalMs, digits),
    share(timing.totalSpreadMs, timing.totalMs),
    number(timing.forwardBytes / timing.forwardMs / 1e6, 1),
    number(timing.copyFloorMs && timing.forwardMs / timing.copyFloorMs, 1),
    number(timing.peakBytes / 2 ** 20, 1),
  ]);
}

const opsOptions = {
  backend: {
    choices: backendNames,
    default: 'wasm' as const,
    describe: 'backend of the kernels and composed forms',
  },
  op: {
    type: 'string' as const,
    array: true as const,
    choices: Object.keys(ops),
    describe: 'only these operators',
  },
  case: {type: 'string' as const, describe: 'only cases whose name contains this text'},
  runs: {
    ...wholeOption('runs that count, at least (JavaScript: at most 3, 1 where it is slow)'),
    default: 5,
  },
  seconds: {
    ...numberOption('time for further runs of each measurement (other forms: a quarter)', 0, 86_400),
    default: 1,
  },
  beside: {
    array: true as const,
    choices: ['composed', 'javascript', 'nothing'] as const,
    default: ['composed', 'javascript'] as (Form | 'nothing')[],
    describe: 'forms timed beside the kernel',
  },
  large: {
    type: 'boolean' as const,
    describe:
      'on webgpu: the large sizes of `bench gpu` too [default: on a GPU, when all operators are timed]; ' +
      'what an operation costs to issue and to replay is printed with them, or alone',
  },
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object a line'},
};

export const benchOpsCommand: CommandModule<object, BenchArguments> = {
  builder: yargs => yargs.options(opsOptions).check(onlyOptions(opsOptions)),
  handler: async args => {
    const {runs, seconds} = args;
    const limits = {minRuns: runs, budgetMs: seconds * 1000};
    const forms = args.beside.filter(form => form !== 'nothing');
    let kernel: OpTiming | undefined;
    let hidden = 0;
    const options = {backend: args.backend, ops: args.op, filter: args.case, forms, limits};
    for await (const timing of benchOps(options)) {
      if (kernel === undefined && !args.json) console.log(line(columns));
      if (timing.form === 'kernel') kernel = timing;
      if (timing.notMeasurable) hidden++;
      console.log(args.json ? JSON.stringify(timing) : row(timing, kernel ?? timing));
    }
    if (hidden > 0) {
      process.exitCode = 1;
      process.stderr.write(
        `${hidden} times are not measurable: this machine was busy, a gradient took no longer than nothing; ` +
          'stop what else runs, or take more time with --seconds\n',
      );
    }
    if (args.backend !== 'webgpu') return;
    if (!args.json)
      console.log(
        "\nTimes are the device's own; * on the host's clock, with the cost of issuing, where a form cannot be captured.\n" +
          'javascript: on one core of the host.',
      );
    const isWhole = args.op === undefined && args.case === undefined;
    const {software} = await useWebGPU();
    const isLarge = args.large ?? (isWhole && !software);
    if (!isLarge && !isWhole) return;
    if (!args.json) console.log('');
    await printGpuTimings(isLarge ? benchGpu() : issueTimings(), args.json);
  },
};
