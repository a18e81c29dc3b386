// `bmojo reproduce ... --quick`: every experiment of the paper from training to its report, interrupted and continued.

import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {paperExperiments} from '../../experiments/paper/index.js';
import {bmojo} from '../support/command.js';

describe('bmojo reproduce --quick', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-reproduce-'));
  after(() => rmSync(folder, {recursive: true}));

  for (const {name, claim, measure, measureRecall} of paperExperiments) {
    it(`${name} says what came out beside what the paper says`, async () => {
      const out = join(folder, name);
      const words = ['reproduce', name, '--quick', '--backend', 'wasm', '--out', out];
      const first = await bmojo(words);
      expect(first.code, first.err).to.equal(0);
      expect(first.out)
        .to.include(`The paper: ${claim}`)
        .and.to.match(/\nHere: \S/);
      // Each run is measured as soon as it has finished: what comes later may not come.
      const measured = first.out.split(': measured\n').length - 1;
      const finished = first.out.split('finished after step').length - 1;
      expect(measured).to.equal(measure === undefined && measureRecall === undefined ? 0 : finished);
      if (measured > 1)
        expect(first.out.indexOf(': measured\n')).to.be.below(first.out.lastIndexOf('finished after step'));
      for (const file of [
        'result.json',
        'machine.json',
        'command.txt',
        'report.md',
        'plot.svg',
        'runs.jsonl',
      ])
        expect(existsSync(join(out, file)), file).to.equal(true);
      const {tables, notes} = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
      expect(tables[0].rows.length).to.be.above(2);
      expect(notes.join(' ')).to.include('The quick form');
      // Again: nothing is trained, and the same comes out.
      const again = await bmojo(words);
      expect(again.out).to.not.include('finished after step');
      expect(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')).tables).to.deep.equal(tables);
      // Elsewhere, from the lines of the runs: the same.
      const elsewhere = join(folder, `${name}-elsewhere`);
      const added = await bmojo([...words.slice(0, -1), elsewhere, '--add', join(out, 'runs.jsonl')]);
      expect(added.code, added.err).to.equal(0);
      expect(added.out).to.not.include('finished after step');
      expect(JSON.parse(readFileSync(join(elsewhere, 'result.json'), 'utf8')).tables).to.deep.equal(tables);
    });
  }
});
