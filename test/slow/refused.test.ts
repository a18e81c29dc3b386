// A command that refuses has written nothing, whenever it finds the fault: one for each command that writes somewhere.

import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {taskFamilies} from '../../data/families.js';
import {bmojo} from '../support/command.js';
import {allCommands} from '../support/command-table.js';

/** Behind each command, what its options allow and it refuses; OUT is where it would write. */
const refused: Readonly<Record<string, string>> = {
  train: 'mqar --heads 3 --out OUT',
  'train lm': '--data nowhere --out OUT',
  compare: 'mqar --models bmojo,mamba --heads 3 --out OUT',
  'compare lm': '--models bmojo --data nowhere --out OUT',
  'compare mad': '--models bmojo --tasks mad-recall --settings baseline --heads 3 --out OUT',
  'reproduce storage-text': '--data nowhere --out OUT',
  'data prepare': 'nowhere.txt --out OUT',
  'data tokenizer': 'nowhere.txt --vocab 1024 --out OUT/tokenizer.json',
  'data fetch': 'no-corpus --out OUT',
  generate: '--checkpoint nowhere --save-state OUT/state',
  'eval report': 'nowhere --out report.html',
  'model export': 'nowhere --out OUT',
  graft: 'nowhere --window 8 --out OUT',
  'memory export': '--memory nowhere --all --out OUT',
  runs: 'nowhere --csv runs.csv',
  'bench decode': '--positions 0,1 --out OUT',
  'bench memory': '--places nowhere --out OUT',
};

/** Commands that are others with another name, or whose settings cannot be wrong together: what they share is tested. */
function kind(words: string): string {
  const [command, name] = words.split(' ');
  return taskFamilies.some(family => family.name === name) ? command : words;
}
const SHARED = /^(quickstart|reproduce (?!storage-text).*)$/;

describe('a refusal', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-refused-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('is tested of every command that writes', async () => {
    const writing = (await allCommands())
      .filter(({options}) => Object.values(options).some(({writes}) => writes !== undefined))
      .map(({words}) => kind(words));
    expect(new Set(writing.filter(words => !SHARED.test(words)))).to.deep.equal(
      new Set(Object.keys(refused)),
    );
  });

  for (const [command, words] of Object.entries(refused))
    it(`of bmojo ${command} is one line, and nothing is written`, async () => {
      const args = words.split(' ').map(word => word.replace('OUT', join(folder, 'out')));
      const {code, err} = await bmojo([...command.split(' '), ...args]);
      expect(code, err).to.be.oneOf([1, 2]);
      expect(err.trim().split('\n')).to.have.length(1);
      expect(readdirSync(folder)).to.deep.equal([]);
    });

  it('for one run of several makes none of them', async () => {
    mkdirSync(join(folder, 'window-only'));
    writeFileSync(join(folder, 'window-only', 'notes.txt'), 'mine');
    const {code, err} = await bmojo(['quickstart', '--out', folder]);
    expect(code).to.equal(1);
    expect(err).to.match(/window-only exists and is not empty/);
    expect(readdirSync(folder)).to.deep.equal(['window-only']);
    expect(readFileSync(join(folder, 'window-only', 'notes.txt'), 'utf8')).to.equal('mine');
  });
});
