// A run in a worker thread of its own: several runs then use several cores. Speaks RunMessage, listens for 'stop'.

import {parentPort, workerData} from 'node:worker_threads';
import {enableProdMode} from '@tensorflow/tfjs-core';
import {runTraining} from './run.js';
import {RunFolder} from './run-folder.js';
import type {RunMessage, RunOrder} from './run-set.js';

const order = workerData as RunOrder;
const say = (message: RunMessage): void => parentPort?.postMessage(message);
const controller = new AbortController();
parentPort?.once('message', () => controller.abort());
enableProdMode();
try {
  const folder = RunFolder.open(order.path);
  for await (const event of runTraining(folder, {resume: order.resume, signal: controller.signal})) {
    say({type: 'event', event});
  }
} catch (error) {
  say({type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error)});
}
parentPort?.close();
