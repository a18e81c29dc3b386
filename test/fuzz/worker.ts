// Runs fuzz cases in a thread of its own and tells the number of the one under way through shared memory, so that one that
// hangs can be named and ended.

import {parentPort, workerData} from 'node:worker_threads';
import {fuzzCases} from './cases.js';

const {seed, from, to, at} = workerData as {seed: number; from: number; to: number; at: SharedArrayBuffer};
const number = new Int32Array(at);
const seen = (one: number): void => {
  Atomics.store(number, 0, one);
};
for await (const failure of fuzzCases(seed, from, to, seen)) parentPort?.postMessage(failure);
