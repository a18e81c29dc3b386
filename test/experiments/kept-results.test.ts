// Kept results are checked before documents are written from them.

import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {KeptResultError, readKeptResults} from '../../experiments/kept-results.js';

const result = {
  section: 'Recall',
  title: 'a title',
  finding: 'what came out',
  tables: [
    {
      caption: 'c',
      rows: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
  ],
  figures: {one: '98.1 %'},
  notes: ['a note'],
};
const machine = {machine: 'a machine', date: '2026-01-02', seeds: [1, 2]};

describe('kept results', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-kept-'));
    mkdirSync(join(root, 'one'));
  });
  after(() => rmSync(root, {recursive: true}));
  const read = (ofResult: object = {}, ofMachine: object = {}) => {
    writeFileSync(join(root, 'one', 'command.txt'), 'bmojo train mqar\n');
    writeFileSync(join(root, 'one', 'result.json'), JSON.stringify({...result, ...ofResult}));
    writeFileSync(join(root, 'one', 'machine.json'), JSON.stringify({...machine, ...ofMachine}));
    return readKeptResults(root);
  };

  it('are read as they were kept', () => {
    expect(read()).to.deep.equal([
      {name: 'one', ...result, commands: ['bmojo train mqar'], machine, hasPlot: false},
    ]);
    expect(read({notes: undefined, figures: undefined})[0]).to.deep.include({notes: [], figures: {}});
  });

  it('are refused by what is wrong with them', () => {
    for (const [ofResult, ofMachine, words] of [
      [{section: 'Else'}, {}, 'section must be one of'],
      [{tables: {}}, {}, 'tables must be a list'],
      [{tables: [{rows: []}]}, {}, 'a table must hold rows'],
      [{tables: [{rows: [['a', 'b'], ['1']]}]}, {}, 'every row must hold 2 texts'],
      [{tables: [{rows: [['a'], [1]]}]}, {}, 'every row must hold 1 texts'],
      [{figures: {one: 98.1}}, {}, 'figures must be texts by name'],
      [{notes: 'a note'}, {}, 'notes must be a list of texts'],
      [{title: 3}, {}, 'title must be text'],
      [{}, {seeds: 3}, 'seeds must be whole numbers'],
      [{}, {seeds: ['1']}, 'seeds must be whole numbers'],
      [{}, {date: 'yesterday'}, 'date must read as 2026-11-29'],
      [{}, {machine: null}, 'machine must be text'],
      [{}, {software: 1}, 'software must be text'],
    ] as const)
      expect(() => read(ofResult, ofMachine), words).to.throw(KeptResultError, words);
  });
});
