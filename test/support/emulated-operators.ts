// Run as a program with the path of operators that are built with emulated CUDA kernels: compares every op that has one
// with its float64 definition, through TensorFlow, on poisoned memory, and prints what it found as JSON.

import type {Rank, Tensor, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {randomNormal, tensor1d, tensor3d, tidy, zeros} from '@tensorflow/tfjs-core';
import {loadTensorFlow} from '#tensorflow';
import {nativeOperators} from '../../custom-ops/backends/tensorflow/index.js';
import {crossEntropy, memoryAttention, ssdScan, useBackend} from '../../custom-ops/index.js';
import {kernelName} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {deviations} from '../../custom-ops/parity.js';
import type {Precision} from '../../custom-ops/precision.js';
import {precisions} from '../../custom-ops/precision.js';
import {parseKernelList} from './registered-kernels.js';

export interface EmulatedFindings {
  kernels: Record<string, {device: string; host: string[]}[]>;
  compared: string[];
  off: string[];
  /** RMS of what a precision makes of an op's output beside float32, over that of the output. */
  rounding: Record<'ssdScan' | 'memoryAttention', Record<Precision, number>>;
  /** Messages of wrong calls. */
  label: string;
  sizes: string;
  firstPosition: string;
  nextPosition: string;
}

function messageOf(body: () => void): string {
  try {
    tidy(body);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

function attend(position: number): string {
  return messageOf(() => {
    const rows = zeros<Rank.R4>([1, 4, 1, 2]);
    memoryAttention(
      {q: rows, k: rows, v: rows, positions: tensor3d([position, -1], [1, 2, 1], 'int32')},
      {window: 2, fading: 'none'},
    );
  });
}

const normal = (shape: number[], seed: number) => randomNormal(shape, 0, 1, 'float32', seed);

/** Random numbers through a scan of more tokens than are walked one by one. */
function scan(precision: Precision): Tensor {
  return ssdScan(
    {
      x: normal([1, 40, 2, 8], 1) as Tensor4D,
      delta: normal([1, 40, 2], 2) as Tensor3D,
      A: tensor1d([-0.5, -1]),
      B: normal([1, 40, 1, 16], 3) as Tensor4D,
      C: normal([1, 40, 1, 16], 4) as Tensor4D,
    },
    {precision},
  ).y;
}

function attendIn(precision: Precision): Tensor {
  const [q, k, v] = [1, 2, 3].map(seed => normal([1, 40, 2, 12], seed) as Tensor4D);
  return memoryAttention({q, k, v}, {window: 16, fading: 'none', precision});
}

function roundingOf(run: (precision: Precision) => Tensor): Record<Precision, number> {
  const values = (precision: Precision) => tidy(() => run(precision).dataSync());
  const exact = values('float32');
  const rms = (numbers: ArrayLike<number>) => Math.hypot(...Array.from(numbers));
  return Object.fromEntries(
    precisions.map(precision => {
      const rounded = values(precision);
      return [precision, rms(exact.map((value, i) => value - rounded[i])) / rms(exact)];
    }),
  ) as Record<Precision, number>;
}

const native = loadTensorFlow(process.argv[2]);
await useBackend('tensorflow');
native.setPoison(true);
const findings: EmulatedFindings = {
  kernels: {},
  compared: [],
  off: [],
  label: messageOf(() => crossEntropy(zeros<Rank.R2>([2, 3]), tensor1d([0, 3], 'int32'))),
  sizes: messageOf(() => {
    const wide = zeros<Rank.R4>([1, 4, 1, 130]);
    memoryAttention({q: wide, k: wide, v: wide}, {window: 2, fading: 'none'});
  }),
  rounding: {ssdScan: roundingOf(scan), memoryAttention: roundingOf(attendIn)},
  firstPosition: attend(4),
  nextPosition: attend(0),
};
for (const op of opList) {
  const declared = nativeOperators().find(({name}) => name === op.name)!;
  for (const direction of ['forward', 'backward'] as const) {
    if (declared[direction]?.cuda == null) continue;
    const name = kernelName(op, direction);
    findings.kernels[name] = parseKernelList(native.registeredKernels(name));
  }
  if (declared.forward.cuda === null) continue;
  for (const one of op.cases.filter(({use}) => use === 'test')) {
    const found = await deviations(op, one);
    findings.compared.push(`${op.name} ${one.name}`);
    for (const {quantity, error, isWithin} of found)
      if (!isWithin) findings.off.push(`${op.name} ${one.name}: ${quantity} is off by ${error}`);
  }
}
console.log(JSON.stringify(findings));
