// Medians of repeated runs on tf's clock: work is finished before the clock stops.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose, getBackend} from '@tensorflow/tfjs-core';
import {finishBackend} from '../custom-ops/index.js';

export interface TimingLimits {
  /** Runs that count, at least. */
  readonly minRuns: number;
  /** Whether a warm-up that takes longer than the budget counts, as the only run. Default false. */
  readonly onceIfSlow?: boolean;
  /** Milliseconds after which no further run starts, once there are enough. */
  readonly budgetMs: number;
}

export interface Timing {
  readonly medianMs: number;
  /** Milliseconds between the quartiles: half of the runs lie that close together. */
  readonly spreadMs: number;
  readonly runs: number;
  /** The host's clock runs from the call until everything is done; a device's own, while it is busy. */
  readonly clock: 'host' | 'device';
}

/** Waits until the backend has finished everything that these tensors depend on. */
async function finish(outputs: Tensor[]): Promise<void> {
  if (getBackend() === 'webgpu') return finishBackend(); // reading would mostly time the way to the host
  const last = outputs[outputs.length - 1];
  if (last !== undefined) await last.data();
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Distance between the quartiles, as R's type 7: half of the values lie within it. */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  };
  return at(0.75) - at(0.25);
}

/** What runs took, in milliseconds, as median and spread. */
export function timingOf(samples: readonly number[], clock: Timing['clock']): Timing {
  return {medianMs: median(samples), spreadMs: spread(samples), runs: samples.length, clock};
}

/** A duration that was taken as a difference: undefined where a busy machine made it nothing or less. */
export const measurable = (ms: number | undefined): number | undefined =>
  ms !== undefined && Number.isFinite(ms) && ms > 0 ? ms : undefined;

/** Milliseconds of each run, taken in turns after one warm-up of each; the tensors that runs return are disposed. */
export async function timeInTurns(
  runs: readonly (() => Tensor[])[],
  limits: TimingLimits,
): Promise<number[][]> {
  const round = async (): Promise<number[]> => {
    const elapsed: number[] = [];
    for (const run of runs) {
      const start = performance.now();
      const outputs = run();
      await finish(outputs);
      elapsed.push(performance.now() - start);
      dispose(outputs);
    }
    return elapsed;
  };
  const {minRuns, onceIfSlow = false, budgetMs} = limits;
  const first = await round();
  if (onceIfSlow && Math.max(...first) > budgetMs) return first.map(ms => [ms]);
  const samples: number[][] = runs.map(() => []);
  const deadline = performance.now() + budgetMs * runs.length;
  while (samples[0].length < minRuns || performance.now() < deadline) {
    for (const [i, ms] of (await round()).entries()) samples[i].push(ms);
  }
  return samples;
}

/** Median milliseconds of `run` after one warm-up. */
export async function time(run: () => Tensor[], limits: TimingLimits): Promise<Timing> {
  const [samples] = await timeInTurns([run], limits);
  return timingOf(samples, 'host');
}
