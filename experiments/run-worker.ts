// A run in a process of its own: several runs then use several cores. Is told a RunOrder, speaks RunMessage, listens for
// 'stop'.

import {enableProdMode} from '@tensorflow/tfjs-core';
import {errorWords, isForUsers} from '../errors/error-words.js';
import {runTraining} from './run.js';
import {RunFolder} from './run-folder.js';
import type {RunMessage, RunOrder} from './run-set.js';

const controller = new AbortController();
/** Resolves when the message is on its way: a process that ends takes along what is not. */
const say = (message: RunMessage): Promise<void> =>
  new Promise(resolve => {
    process.send?.(message, undefined, undefined, () => resolve());
  });

async function run({path, ...order}: RunOrder): Promise<void> {
  enableProdMode();
  try {
    const folder = RunFolder.open(path);
    for await (const event of runTraining(folder, {...order, signal: controller.signal})) {
      await say({type: 'event', event});
    }
  } catch (error) {
    await say({type: 'failed', message: errorWords(error), isForUsers: isForUsers(error)});
  }
  process.exit(0);
}

process.on('message', (message: RunOrder | 'stop') => {
  if (message === 'stop') controller.abort();
  else void run(message);
});
// Ctrl-C, and a terminal that is closed, reach every process of a terminal; the one that began the runs says what to do.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
// Nobody listens any more: the run saves and ends.
process.on('disconnect', () => controller.abort());
