// A run in a process of its own: several runs then use several cores. Is told a RunOrder, speaks RunMessage, listens for
// 'stop'.

import {enableProdMode} from '@tensorflow/tfjs-core';
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
    await say({
      type: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  process.exit(0);
}

process.on('message', (message: RunOrder | 'stop') => {
  if (message === 'stop') controller.abort();
  else void run(message);
});
// Ctrl-C reaches every process of a terminal; the one that began the runs says what to do about it.
process.on('SIGINT', () => {});
// Nobody listens any more.
process.on('disconnect', () => process.exit(1));
