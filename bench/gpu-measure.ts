// How kernels of a GPU are timed, and inputs made on the device: drawing them on the host would take minutes.

import type {Rank, ShapeMap, Tensor} from '@tensorflow/tfjs-core';
import {randomNormal, reshape, slice, tidy, tile} from '@tensorflow/tfjs-core';
import {deviceTiming} from './device-timing.js';
import {time} from './timing.js';

export interface GpuTiming {
  readonly name: string;
  /** Median milliseconds of one run. */
  readonly ms: number;
  /** What the time means: rate or ratio. */
  readonly rate: string;
}

const RUNS = 21;

/** Median milliseconds of a busy device for one run; on the host's clock where the device has none. */
export async function medianMs(run: () => Tensor | Tensor[]): Promise<number> {
  // One number stands for the results: whole they would be copied at every run.
  const corner = (): Tensor[] => {
    const results = run();
    const [first] = Array.isArray(results) ? results : [results];
    return [slice(reshape(first, [first.size]), [0], [1])];
  };
  const timing =
    (await deviceTiming(corner, {rounds: RUNS})) ?? (await time(corner, {minRuns: RUNS, budgetMs: 0}));
  return timing.medianMs;
}

/** Random values that repeat along the token axis. */
export function tokens<R extends Rank>(shape: number[]): Tensor<R> {
  const [batch, length, ...rest] = shape;
  const period = Math.min(64, length);
  const repeats = [batch, length / period, ...rest.map(() => 1)];
  return tidy(() => tile(randomNormal<R>([1, period, ...rest] as ShapeMap[R]), repeats));
}
