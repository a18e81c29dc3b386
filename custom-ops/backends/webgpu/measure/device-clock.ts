// Time on the device's own clock. A device that has waited for the host runs slowly at first, so what is timed here is a
// busy one: it is kept at work before and between the rounds, and the host reads the clock once, at the end.

import type {Dispatch} from '../dispatch/dispatches.js';
import {encodeDispatches} from '../dispatch/dispatches.js';

export interface ClockOptions {
  /** Times to measure. Default 21. */
  readonly rounds?: number;
  /** Milliseconds of the same work before anything counts. Default 500. */
  readonly warmUpMs?: number;
  /** Milliseconds that a round is to last: the work is repeated within it. Default 20. */
  readonly roundMs?: number;
  /** Milliseconds that all rounds are to take together at most: there are fewer then, at least 3. Default: no limit. */
  readonly totalMs?: number;
}

const FEWEST_ROUNDS = 3;

/** Repeats of the work in one round, at most. */
const MOST_REPEATS = 1000;
/** Dispatches of one round, at most: the host must hand over a round faster than the device does it. */
const MOST_DISPATCHES = 10_000;

/** Whether a device has a clock to read. */
export function hasClock(device: GPUDevice): boolean {
  return device.features.has('timestamp-query');
}

/** Submits `repeats` times the dispatches as one pass. */
function issue(
  device: GPUDevice,
  dispatches: readonly Dispatch[],
  repeats: number,
  timestampWrites?: GPUComputePassTimestampWrites,
): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass(timestampWrites === undefined ? {} : {timestampWrites});
  for (let repeat = 0; repeat < repeats; repeat++) encodeDispatches(pass, dispatches);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Milliseconds of each of `rounds` passes issued one after the other without waiting, `repeats` times the work each. */
async function passTimes(
  device: GPUDevice,
  dispatches: readonly Dispatch[],
  repeats: number,
  rounds: number,
): Promise<number[]> {
  const querySet = device.createQuerySet({type: 'timestamp', count: 2 * rounds});
  const size = 16 * rounds;
  const resolved = device.createBuffer({
    size,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const read = device.createBuffer({size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST});
  for (let round = 0; round < rounds; round++) {
    issue(device, dispatches, repeats, {
      querySet,
      beginningOfPassWriteIndex: 2 * round,
      endOfPassWriteIndex: 2 * round + 1,
    });
  }
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, 2 * rounds, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, read, 0, size);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const stamps = new BigUint64Array(read.getMappedRange().slice(0));
  read.unmap();
  querySet.destroy();
  resolved.destroy();
  read.destroy();
  return Array.from({length: rounds}, (_, round) => {
    const [begin, end] = stamps.subarray(2 * round);
    const ended = round === 0 ? begin : stamps[2 * round - 1];
    // A pass may say that it has begun while the one before still runs.
    return Math.min(Number(end - begin), Number(end - ended)) / 1e6;
  });
}

/**
 * Milliseconds that the dispatches take on a busy device, once for each round: the same work has gone before them, and
 * each round repeats them until it lasts `roundMs`, so that neither a clock that is cold or coarse counts, nor the host,
 * nor memory that is touched for the first time. The repeats work on the same buffers. Undefined without a clock.
 */
export async function steadyTimes(
  device: GPUDevice,
  dispatches: readonly Dispatch[],
  {rounds = 21, warmUpMs = 500, roundMs = 20, totalMs = Number.POSITIVE_INFINITY}: ClockOptions = {},
): Promise<number[] | undefined> {
  if (!hasClock(device) || dispatches.length === 0) return undefined;
  const most = Math.max(1, Math.min(MOST_REPEATS, Math.floor(MOST_DISPATCHES / dispatches.length)));
  const fitting = (ms: number): number =>
    Math.max(1, Math.min(most, Math.ceil(roundMs / Math.max(ms, 1e-6))));
  const [first] = await passTimes(device, dispatches, 1, 1);
  const warming = fitting(first);
  const start = performance.now();
  do {
    issue(device, dispatches, warming);
    await device.queue.onSubmittedWorkDone();
  } while (performance.now() - start < warmUpMs);
  const [warm] = await passTimes(device, dispatches, warming, 1);
  const repeats = fitting(warm / warming);
  const affordable = Math.floor((totalMs * warming) / Math.max(warm * repeats, 1e-6));
  const counted = Math.min(rounds, Math.max(FEWEST_ROUNDS, affordable));
  return (await passTimes(device, dispatches, repeats, counted)).map(ms => ms / repeats);
}
