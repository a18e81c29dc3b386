// The fuzz suite: cases in a worker, with a watch on the one under way.

import {Worker} from 'node:worker_threads';
import type {Failure} from './cases.js';
import {computedSeconds, MOST_SECONDS} from './cases.js';

/** Of computing by this process, the worker in it: a case that has taken so many hangs, however slow the machine. */
const HANGING_SECONDS = 3 * MOST_SECONDS;
/** And by the clock, for one that waits for what never comes. */
const WAITING_SECONDS = 20 * HANGING_SECONDS;

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
    failures.push({number: hung, reader: '?', file: '?', what: `hangs for more than ${HANGING_SECONDS} s`});
    next = hung + 1;
  }
  return failures;
}

function watched(
  seed: number,
  from: number,
  to: number,
  failures: Failure[],
  onProgress: (number: number) => void = () => {},
): Promise<number | undefined> {
  const at = new SharedArrayBuffer(4);
  const number = new Int32Array(at);
  number[0] = -1;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {workerData: {seed, from, to, at}});
    let last = -1;
    let [computed, since] = [0, 0];
    const timer = setInterval(() => {
      const now = Atomics.load(number, 0);
      if (now !== last) {
        last = now;
        [computed, since] = [computedSeconds(), performance.now()];
        onProgress(now);
        return;
      }
      const isWaiting = performance.now() - since > 1000 * WAITING_SECONDS;
      if (now >= 0 && (computedSeconds() - computed > HANGING_SECONDS || isWaiting)) {
        clearInterval(timer);
        void worker.terminate().then(() => resolve(now));
      }
    }, 500);
    worker.on('message', (failure: Failure) => failures.push(failure));
    worker.on('error', error => {
      clearInterval(timer);
      reject(error);
    });
    worker.on('exit', () => {
      clearInterval(timer);
      resolve(undefined);
    });
  });
}
