import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {parseRunConfig} from '../../experiments/run-config.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {csvOf, listRuns} from '../../experiments/run-list.js';
import {bmojo} from '../support/command.js';

describe('bmojo runs', () => {
  let root: string;
  const report = (accuracy: number) => ({
    samples: 2,
    queries: 8,
    loss: 1 - accuracy,
    accuracy,
    macroAccuracy: accuracy,
    exactAccuracy: 0,
    classAccuracy: accuracy,
    byDistance: [],
  });
  const make = (name: string, window: number, accuracy?: number): void => {
    const config = parseRunConfig('mqar', {model: {window}, train: {steps: 9}});
    mkdirSync(join(root, name, '..'), {recursive: true});
    const folder = RunFolder.create(join(root, name), config);
    if (accuracy !== undefined)
      folder.writeResult({step: 9, parameters: 5, stateBytes: 64, report: report(accuracy)});
    folder.release();
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-runs-'));
    make('a', 8, 0.75);
    make('deep/b', 16, 0.25);
    make('deep/c', 8);
    mkdirSync(join(root, 'data', 'books'), {recursive: true});
    mkdirSync(join(root, 'broken'));
    writeFileSync(join(root, 'broken', 'config.json'), '{');
  });
  after(() => rmSync(root, {recursive: true}));

  it('finds runs at any depth with settings and results, and names what it cannot read', () => {
    const {rows, unreadable} = listRuns(root);
    expect(rows.map(({run}) => run)).to.deep.equal(['a', join('deep', 'b'), join('deep', 'c')]);
    expect(rows[0]).to.include({
      ...{task: 'mqar', model: 'bmojo', window: 8, steps: 9, step: 9, state: 'finished'},
      ...{seed: 1, 'weights-seed': 1, loss: 0.25, accuracy: 0.75, parameters: 5, 'state-bytes': 64},
    });
    expect(rows[2]).to.include({state: 'begun', step: 0}).and.not.have.property('loss');
    expect(unreadable).to.have.lengthOf(1);
    expect(unreadable[0]).to.include(join('broken', 'config.json'));
  });

  it('filters, sorts and exports', async () => {
    const file = join(root, 'all.csv');
    const listed = await bmojo([
      'runs',
      root,
      '--where',
      'state=finished',
      '--sort',
      'accuracy',
      '--csv',
      file,
    ]);
    expect(listed.code, listed.err).to.equal(0);
    expect(
      listed.out
        .split('\n')
        .slice(1, 3)
        .map(line => line.split(' ')[0]),
    ).to.deep.equal([join('deep', 'b'), 'a']);
    expect(listed.err).to.include('note: left out:');
    const [head, first, second, rest] = readFileSync(file, 'utf8').split('\r\n');
    expect(rest).to.equal('');
    const window = head.split(',').indexOf('window');
    expect([first, second].map(line => line.split(',')[window])).to.deep.equal(['16', '8']);
    const json = await bmojo(['runs', root, '--where', 'window=8.0', '--json']);
    expect(
      json.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).run),
    ).to.deep.equal(['a', join('deep', 'c')]);
    const alike = await bmojo(['runs', root, '--sort', 'model', '--json']);
    expect(
      alike.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).run),
      'equal ones in the order of their names',
    ).to.deep.equal(['a', join('deep', 'b'), join('deep', 'c')]);
    for (const [more, words] of [
      [['--where', 'windwo=8'], "did you mean 'window'?"],
      [['--where', 'window'], '--where must be NAME=VALUE'],
      [['--sort', 'accuarcy'], "did you mean 'accuracy'?"],
    ] as const) {
      const ended = await bmojo(['runs', root, ...more]);
      expect([ended.code, ended.err.includes(words)], ended.err).to.deep.equal([2, true]);
    }
    expect((await bmojo(['runs', join(root, 'none')])).err).to.include('must be a folder');
  });

  it('quotes what a comma or a quote would tear apart', () => {
    expect(
      csvOf([
        {run: 'a,"b"', loss: 1},
        {run: 'c', accuracy: 0.5},
      ]),
    ).to.equal('run,loss,accuracy\r\n"a,""b""",1,\r\nc,,0.5\r\n');
  });
});
