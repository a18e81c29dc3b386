// What is made of a run to be handed on says nothing of where its data lay; its own config.json and sessions.jsonl do, by
// which it goes on and is made again.

import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join, relative} from 'node:path';
import {expect} from 'chai';
import {bmojo} from '../support/command.js';

const SMALL =
  '--context 12 --d-model 8 --heads 1 --layers 1 --window 4 --eidetic-slots 0 --batch 2 --steps 2 --eval-samples 4 --backend wasm';

describe('what is handed on', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-handed-on-'));
  });
  after(() => rmSync(folder, {recursive: true}));

  it('holds no path of the machine', async () => {
    const home = join(folder, 'home of somebody');
    const [data, run, out] = [join(home, 'data'), join(folder, 'run'), join(folder, 'out')];
    mkdirSync(home);
    mkdirSync(out);
    writeFileSync(join(home, 'text.txt'), 'a line of the text\n'.repeat(200));
    const said: string[] = [];
    const use = async (...words: string[]): Promise<void> => {
      const {code, out: printed, err} = await bmojo(words);
      expect(code, err).to.equal(0);
      said.push(printed);
    };
    const small = ['--data', data, ...SMALL.split(' ')];
    await use('data', 'prepare', join(home, 'text.txt'), '--out', data, '--tokenizer', 'char');
    await use('train', 'lm', ...small, '--out', run, '--json');
    await use(
      'eval',
      'perplexity',
      '--checkpoint',
      run,
      '--windows',
      '2',
      '--prefixes',
      '0,4',
      '--targets',
      '4',
      '--json',
    );
    await use('eval', 'report', run, '--out', join(out, 'report.html'));
    await use('model', 'export', run, '--out', join(out, 'model'));
    await use('model', 'export', run, '--format', 'huggingface', '--out', join(out, 'hub'));
    await use('compare', 'lm', ...small, '--models', 'swa,bmojo-f', '--out', join(out, 'compared'), '--json');
    await use('runs', folder, '--csv', join(out, 'runs.csv'), '--json');
    const files = [run, out].flatMap(at =>
      readdirSync(at, {recursive: true, withFileTypes: true})
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name)),
    );
    expect(files.map(file => relative(folder, file))).to.include.members([
      ...['out/runs.csv', 'out/compared/compare.csv', 'out/hub/config.json', 'out/model/card.json'],
    ]);
    const telling = files.filter(file => readFileSync(file, 'latin1').includes(home));
    expect(new Set(telling.map(file => basename(file)))).to.deep.equal(
      new Set(['config.json', 'sessions.jsonl']),
    );
    expect(telling)
      .to.include(join(run, 'config.json'))
      .and.not.include(join(out, 'hub', 'config.json'));
    const [, ...ofRuns] = said;
    expect(ofRuns.filter(words => words.includes(home))).to.deep.equal([]);
  });
});
