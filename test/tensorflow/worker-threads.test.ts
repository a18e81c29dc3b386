// Several threads of one process use the operators at once, as `bmojo compare --jobs` does.

import {fileURLToPath} from 'node:url';
import {isMainThread, parentPort, Worker} from 'node:worker_threads';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {opList} from '../../custom-ops/op-list.js';
import {deviations} from '../../custom-ops/parity.js';
import {useReadableBackend} from '../support/backends.js';

const ROUNDS = 3;

/** What is off in this thread, of every op's last test case, over several rounds. */
async function compareAll(): Promise<string[]> {
  await useBackend('tensorflow');
  const off: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const op of opList) {
      const found = await deviations(op, op.cases.filter(({use}) => use === 'test').at(-1)!);
      for (const {quantity, error, isWithin} of found)
        if (!isWithin) off.push(`${op.name}.${quantity}: ${error}`);
    }
  }
  return off;
}

if (isMainThread) {
  describe('worker threads on tensorflow', () => {
    it('compute side by side what they compute alone', async function () {
      await useReadableBackend(this, 'tensorflow');
      const inWorker = (): Promise<string[]> =>
        new Promise((resolve, reject) => {
          const worker = new Worker(fileURLToPath(import.meta.url));
          worker.once('message', resolve);
          worker.once('error', reject);
        });
      const results = await Promise.all([inWorker(), inWorker()]);
      expect(results).to.deep.equal([[], []]);
    });
  });
} else {
  compareAll().then(off => parentPort!.postMessage(off));
}
