// A watch on a worker that goes through numbered cases: one that hangs is named, and the worker ended.

import type {Worker} from 'node:worker_threads';
import {computedSeconds} from './cases.js';

/** Seconds that a case may take. */
export interface Patience {
  /** Of computing by this process, the worker in it: what else the machine does does not count. */
  readonly computing: number;
  /** By the clock, for a case that waits for what never comes. */
  readonly waiting: number;
}

/**
 * The number of the case that hangs; undefined once the worker has ended by itself. `at` holds the number of the case under way,
 * below 0 before the first.
 */
export function hungCase(
  worker: Worker,
  at: Int32Array,
  {computing, waiting}: Patience,
  onProgress: (number: number) => void = () => {},
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let [last, computed, since] = [-1, 0, 0];
    let hung: number | undefined;
    const timer = setInterval(
      () => {
        const now = Atomics.load(at, 0);
        if (now !== last) {
          [last, computed, since] = [now, computedSeconds(), performance.now()];
          onProgress(now);
        } else if (
          now >= 0 &&
          (computedSeconds() - computed > computing || performance.now() - since > 1000 * waiting)
        ) {
          hung = now;
          clearInterval(timer);
          void worker.terminate();
        }
      },
      Math.min(500, 250 * computing),
    );
    worker.on('error', error => {
      clearInterval(timer);
      reject(error);
    });
    worker.on('exit', () => {
      clearInterval(timer);
      resolve(hung);
    });
  });
}
