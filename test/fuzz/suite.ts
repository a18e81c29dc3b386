// The fuzz suite: cases in a worker, with a watch on the one under way.

import {Worker} from 'node:worker_threads';
import type {Failure} from './cases.js';
import {MOST_SECONDS} from './cases.js';
import {hungCase} from './watch.js';

/** Of a machine that is slow at everything. */
const PATIENCE = {computing: 3 * MOST_SECONDS, waiting: 60 * MOST_SECONDS};

export interface SuiteOptions {
  readonly cases: number;
  readonly seed: number;
  /** The first case's number. Default 0. */
  readonly from?: number;
  /** Told the number of the case under way, now and then. */
  readonly onProgress?: (number: number) => void;
}

/** Runs the cases; returns those that failed. A case that hangs is one of them, and the rest goes on without it. */
export async function runSuite({cases, seed, from = 0, onProgress}: SuiteOptions): Promise<Failure[]> {
  const failures: Failure[] = [];
  const to = from + cases;
  for (let next = from; next < to; ) {
    const hung = await watched(seed, next, to, failures, onProgress);
    if (hung === undefined) break;
    failures.push({number: hung, reader: '?', file: '?', what: 'hangs'});
    next = hung + 1;
  }
  return failures;
}

function watched(
  seed: number,
  from: number,
  to: number,
  failures: Failure[],
  onProgress?: (number: number) => void,
): Promise<number | undefined> {
  const at = new SharedArrayBuffer(4);
  const number = new Int32Array(at);
  number[0] = -1;
  const worker = new Worker(new URL('./worker.js', import.meta.url), {workerData: {seed, from, to, at}});
  worker.on('message', (failure: Failure) => failures.push(failure));
  return hungCase(worker, number, PATIENCE, onProgress);
}
