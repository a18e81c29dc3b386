// A checkpoint of 3 GB, written and read in a memory that is far smaller; needs 3 GB of disk.

import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';

const SCRIPT = `
import {CheckpointFolder} from MODULE;
import {peakMemory} from PEAK;
const numbers = 2 ** 24; // 64 MB
// What was read before is garbage by then, and no part of what writing needs.
const read = i => {
  gc();
  return new Float32Array(numbers).fill(i);
};
const source = i => ({name: 'w' + i, shape: [4096, 4096], read: () => read(i)});
const all = (from, to) => Array.from({length: to - from}, (_, i) => source(from + i));
const store = new CheckpointFolder(FOLDER);
await store.save({step: 1, cursor: 4, weights: all(0, 16), optimizer: all(16, 48)});
const open = store.open();
let sum = 0;
for (const one of [...open.weights, ...open.optimizer]) {
  gc();
  const data = await one.read();
  sum += data[0] + data[numbers - 1];
}
open.close();
console.log(JSON.stringify({sum, mebibytes: peakMemory() / 2 ** 20}));
`;

describe('a checkpoint of 3 GB', () => {
  it('is written and read in shards, with less than 700 MiB of memory', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-large-'));
    try {
      const at = (module: string): string =>
        JSON.stringify(new URL(`../../${module}.js`, import.meta.url).href);
      const code = SCRIPT.replace('MODULE', at('experiments/checkpoint-folder'))
        .replace('PEAK', at('bench/peak-memory'))
        .replace('FOLDER', JSON.stringify(folder));
      const out = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
        encoding: 'utf8',
      });
      const {sum, mebibytes} = JSON.parse(out);
      expect(sum).to.equal(2 * (47 * 24));
      expect(mebibytes).to.be.below(700);
      expect(readdirSync(join(folder, 'step-00000001')).sort()).to.deep.equal([
        'optimizer-00001-of-00002.safetensors',
        'optimizer-00002-of-00002.safetensors',
        'state.json',
        'weights.safetensors',
      ]);
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
