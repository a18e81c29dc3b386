// Two processes on one folder, again and again: one writes, the other is refused, and readers beside them read what is whole.

import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {closeData, openData} from '../../data/files/index.js';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {bmojo} from '../support/command.js';
import {smallRun} from '../support/small-run.js';
import {HeldArray, loadCheckpoint} from '../support/snapshots.js';

const ROUNDS = 4;
const RUN = [...smallRun, '--checkpoint-every', '1'];

describe('two processes on one folder', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-two-'));
  });
  after(() => rmSync(folder, {recursive: true}));

  it(`train it one at a time, ${ROUNDS} rounds, and lose nothing`, async () => {
    const out = join(folder, 'run');
    expect((await bmojo(['train', 'mqar', ...RUN, '--steps', '1', '--out', out])).code).to.equal(0);
    for (let round = 1; round <= ROUNDS; round++) {
      const steps = String(1 + 4 * round);
      const resume = () => bmojo(['train', 'mqar', '--resume', '--out', out, '--steps', steps]);
      const ended = await Promise.all([resume(), resume()]);
      const codes = ended.map(({code}) => code);
      expect(codes, ended.map(({err}) => err).join()).to.include(0);
      for (const {code, err} of ended)
        if (code !== 0)
          expect([code, err]).to.satisfy(() => code === 2 && err.includes('is written by process'));
      const run = RunFolder.open(out);
      expect(run.checkpoints.lastStep).to.equal(Number(steps));
      expect(run.readResult().step).to.equal(Number(steps));
    }
  });

  it(`prepare data in it one at a time, ${ROUNDS} rounds, and leave it whole`, async () => {
    const [text, out] = [join(folder, 'text.txt'), join(folder, 'data')];
    writeFileSync(text, Array.from({length: 20_000}, (_, i) => `line ${i} of the text\n`).join(''));
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(out, {recursive: true, force: true});
      const prepare = () => bmojo(['data', 'prepare', text, '--out', out]);
      const ended = await Promise.all([prepare(), prepare()]);
      expect(
        ended.map(({code}) => code),
        ended.map(({err}) => err).join(),
      ).to.include(0);
      for (const {code, err} of ended)
        if (code !== 0) expect(err).to.match(/^bmojo: .*(is written by process|is not empty).*\n$/);
      const data = openData(out, {verify: true});
      expect(data.train.count).to.be.above(100_000);
      closeData(data);
    }
  });

  it('a reader beside a writer always gets one whole checkpoint', async () => {
    const path = join(folder, 'checkpoint');
    const numbers = (step: number) => [new HeldArray('a', [3], new Float32Array(3).fill(step))];
    const snapshot = (step: number) => ({
      step,
      cursor: step,
      weights: numbers(step),
      optimizer: numbers(step),
    });
    const writer = new CheckpointFolder(path);
    await writer.save(snapshot(0));
    let isWriting = true;
    const writing = (async () => {
      for (let step = 1; step <= 200; step++) {
        await writer.save(snapshot(step));
        await new Promise(setImmediate);
      }
      isWriting = false;
    })();
    let read = 0;
    while (isWriting) {
      const {step, weights, optimizer} = await loadCheckpoint(new CheckpointFolder(path));
      expect([...weights[0].data, ...optimizer[0].data]).to.deep.equal(new Array(6).fill(step));
      read++;
      await new Promise(setImmediate);
    }
    await writing;
    expect(read).to.be.above(10);
  });
});
