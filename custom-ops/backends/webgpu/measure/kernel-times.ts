// What each kernel of a captured step costs the device.

import type {Dispatch} from '../dispatch/dispatches.js';
import type {ClockOptions} from './device-clock.js';
import {steadyTimes} from './device-clock.js';

export interface KernelTime {
  /** Registered name of the kernel, as `BMojoSelectiveScanGrad` or `Sum`. */
  readonly kernel: string;
  /** The pass of it: our name for one, or tfjs's name of the program. */
  readonly pass: string;
  /** Sizes that it was called with: by shape letter for our kernels, workgroups for tfjs's. */
  readonly sizes: readonly string[];
  readonly dispatches: number;
  /** Median milliseconds of all these dispatches together. */
  readonly ms: number;
}

/** A step has many kernels: each is given less time than a measurement of its own would take. */
const brief: ClockOptions = {rounds: 5, warmUpMs: 30, roundMs: 5};

/** Dispatches of one kernel and pipeline together. */
function groups(dispatches: readonly Dispatch[]): Dispatch[][] {
  const known = new Map<string, Map<GPUComputePipeline, Dispatch[]>>();
  for (const dispatch of dispatches) {
    const byPipeline = known.get(dispatch.kernel) ?? new Map<GPUComputePipeline, Dispatch[]>();
    known.set(dispatch.kernel, byPipeline);
    const group = byPipeline.get(dispatch.pipeline);
    if (group === undefined) byPipeline.set(dispatch.pipeline, [dispatch]);
    else group.push(dispatch);
  }
  return [...known.values()].flatMap(byPipeline => [...byPipeline.values()]);
}

/** In the order in which a step begins them. Undefined on a device without a clock. */
export async function kernelTimes(
  device: GPUDevice,
  dispatches: readonly Dispatch[],
  options: ClockOptions = {},
  onProgress?: (done: number, of: number) => void,
): Promise<KernelTime[] | undefined> {
  const times: KernelTime[] = [];
  const all = groups(dispatches);
  for (const group of all) {
    const rounds = await steadyTimes(device, group, {...brief, ...options});
    if (rounds === undefined) return undefined;
    const [{kernel, pipeline}] = group;
    const ms = rounds.sort((a, b) => a - b)[rounds.length >> 1];
    const sizes = [...new Set(group.map(({size}) => size))];
    times.push({kernel, pass: pipeline.label, sizes, dispatches: group.length, ms});
    onProgress?.(times.length, all.length);
  }
  return times;
}
