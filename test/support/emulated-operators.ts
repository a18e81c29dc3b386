// Run as a program with the path of operators that are built with emulated CUDA kernels: compares every op that has one
// with its float64 definition, through TensorFlow, on poisoned memory, and prints what it found as JSON.

import type {Rank, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {randomNormal, tensor1d, tensor3d, tidy, zeros} from '@tensorflow/tfjs-core';
import {loadTensorFlow} from '#tensorflow';
import {nativeOperators} from '../../custom-ops/backends/tensorflow/index.js';
import {crossEntropy, memoryAttention, ssdScan, useBackend} from '../../custom-ops/index.js';
import {kernelName} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {deviations} from '../../custom-ops/parity.js';
import {parseKernelList} from './registered-kernels.js';

export interface EmulatedFindings {
  kernels: Record<string, {device: string; host: string[]}[]>;
  compared: string[];
  off: string[];
  /** RMS of what tf32 makes of a scan beside float32, over that of the scan. */
  tf32: number;
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

/** Random numbers through a scan of more tokens than are walked one by one. */
async function differenceOfTf32(): Promise<number> {
  const scan = (precision: 'float32' | 'tf32') => {
    const normal = (shape: number[], seed: number) => randomNormal(shape, 0, 1, 'float32', seed);
    return ssdScan(
      {
        x: normal([1, 40, 2, 8], 1) as Tensor4D,
        delta: normal([1, 40, 2], 2) as Tensor3D,
        A: tensor1d([-0.5, -1]),
        B: normal([1, 40, 1, 16], 3) as Tensor4D,
        C: normal([1, 40, 1, 16], 4) as Tensor4D,
      },
      {precision},
    ).y.dataSync();
  };
  const [exact, rounded] = [scan('float32'), scan('tf32')];
  const rms = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
  return rms(exact.map((value, i) => value - rounded[i])) / rms(exact);
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
  tf32: await differenceOfTf32(),
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
