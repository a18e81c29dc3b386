// A folder of the Hub in shards of bfloat16 opens in the memory of its weights once, one tensor of it, and what a process takes
// anyway.

import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../../..');
const bench = join(root, 'bench/pretrained.mjs');
/** What reading takes beside weights and a tensor, in megabytes: pieces of files, garbage that is not collected yet. */
const SLACK = 60;

interface Measured {
  readonly weightsMB: number;
  readonly largestTensorMB: number;
  readonly beforeMB: number;
  readonly peakOfOpeningMB: number;
}

interface Bench {
  readonly configs: Readonly<Record<string, object>>;
  write(config: object, folder: string, shardBytes?: number): Promise<number>;
}

describe('a large folder of the Hub', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-large-hub-'));
  });
  after(() => rmSync(folder, {recursive: true}));

  for (const layout of ['llama', 'mamba2'])
    it(`${layout}: weights once and one tensor`, async function () {
      this.timeout(300_000);
      const {configs, write} = (await import(pathToFileURL(bench).href)) as Bench;
      const own = join(folder, layout);
      await write({...configs[layout], num_hidden_layers: 12, vocab_size: 8192}, own, 100_000_000);
      const output = execFileSync(process.execPath, ['--expose-gc', bench, 'measure', own, 'wasm'], {
        encoding: 'utf8',
      });
      const {weightsMB, largestTensorMB, beforeMB, peakOfOpeningMB}: Measured = JSON.parse(output);
      const taken = peakOfOpeningMB - beforeMB;
      console.log(`      ${weightsMB} MB of weights, ${taken} MB taken, ${largestTensorMB} MB in one tensor`);
      expect(weightsMB).to.be.above(300);
      // A tensor on its way stands in bfloat16, in float32, turned and on the device.
      expect(taken).to.be.below(weightsMB + 3.5 * largestTensorMB + SLACK);
    });
});
