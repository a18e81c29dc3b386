// Evaluations of one run by several processes at the same time.

import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {readRecords} from '../../experiments/evaluations.js';

const PROCESSES = 3;
const EACH = 8;

/** Writes evaluations of one name by different commands, all of them as soon as it may. */
const writer = `
const [module, run, process_] = process.argv.slice(1);
const {writeRecord} = await import(module);
for (let i = 0; i < ${EACH}; i++)
  writeRecord(run, {
    name: 'mqar', title: 't', definition: 'd', source: 's', command: 'bmojo eval ' + process_ + ' ' + i, step: 1,
    table: [['a'], [1]], data: {},
  });
`;

describe('evaluations side by side', () => {
  it('are all kept, each under a name of its own', async function () {
    this.timeout(300_000);
    const run = mkdtempSync(join(tmpdir(), 'bmojo-evaluations-'));
    try {
      const module = new URL('../../experiments/evaluations.js', import.meta.url).href;
      const ended = await Promise.all(
        Array.from(
          {length: PROCESSES},
          (_, i) =>
            new Promise<string>(resolve => {
              const words = ['--input-type=module', '-e', writer, module, run, String(i)];
              const child = spawn(process.execPath, words);
              let said = '';
              child.stderr.on('data', chunk => {
                said += chunk;
              });
              child.on('close', code => resolve(`${code} ${said}`));
            }),
        ),
      );
      expect(ended).to.deep.equal(Array.from({length: PROCESSES}, () => '0 '));
      const commands = readRecords(run).map(({command}) => command);
      expect(new Set(commands).size).to.equal(PROCESSES * EACH);
      expect(commands).to.have.lengthOf(PROCESSES * EACH);
    } finally {
      rmSync(run, {recursive: true});
    }
  });
});
