import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {htmlReport} from '../../eval/report/html.js';
import type {EvaluationRecord} from '../../eval/report/record.js';
import {EvaluationError, readRecords, writeRecord} from '../../experiments/evaluations.js';

const record = (model: string): EvaluationRecord => ({
  name: 'needle',
  title: 'needle: found & counted',
  definition: 'What is asked <here>.',
  source: 'a paper',
  command: 'bmojo eval needle --checkpoint "a b"',
  step: 7,
  table: [
    ['tokens', 'accuracy'],
    [64, '50.0 %'],
  ],
  plot: {
    title: 't',
    xLabel: 'x',
    yLabel: 'y',
    series: [
      {
        name: model,
        points: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
  },
  data: {figure: 0.5},
});

describe('evaluation records', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-records-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('are read as they were written, with their drawing beside them', () => {
    expect(readRecords(folder)).to.deep.equal([]);
    const files = writeRecord(folder, record('bmojo'));
    expect(files.map(file => file.slice(folder.length + 1))).to.deep.equal([
      join('evaluations', 'needle.json'),
      join('evaluations', 'needle.svg'),
    ]);
    expect(readFileSync(files[1], 'utf8')).to.match(/^<svg/);
    expect(readRecords(folder)).to.deep.equal([record('bmojo')]);
  });

  it('that are damaged are named', () => {
    writeRecord(folder, record('bmojo'));
    const file = join(folder, 'evaluations', 'needle.json');
    writeFileSync(file, '{"name": "needle"');
    expect(() => readRecords(folder)).to.throw(EvaluationError, 'must be JSON');
    writeFileSync(file, '{"name": "needle"}');
    expect(() => readRecords(folder)).to.throw(EvaluationError, "has no 'title'");
  });
});

describe('HTML report', () => {
  const html = htmlReport('Report', [
    {
      name: 'a',
      facts: [
        ['model', 'bmojo'],
        ['rate', 0.1],
      ],
      records: [record('bmojo')],
    },
    {name: 'b', facts: [['model', 'mamba']], curve: '<svg id="curve"></svg>', records: [record('mamba')]},
  ]);

  it('lays the curves of the runs over each other and joins their tables', () => {
    expect(html.match(/<polyline/g)).to.have.lengthOf(2);
    expect(html.match(/<h2>/g), 'one section for the evaluation, one for learning curves').to.have.lengthOf(
      2,
    );
    expect(html).to.include('<td>a</td><td class="number">64</td><td class="number">50.0 %</td>');
    expect(html).to.include('id="curve"');
    expect(html, 'commands are broken into lines').to.include('<td class="words"><code>bmojo eval needle');
    expect(html).to.include('<td>b</td><td>mamba</td><td class="number">-</td>');
  });

  it('escapes what it shows, and needs neither scripts nor the network', () => {
    expect(html).to.include('found &#38; counted').and.include('&#60;here&#62;').and.include('&#34;a b&#34;');
    expect(html).not.to.match(/<script|<link|<img|@import|\ssrc=|href=/);
    const addresses = [...html.matchAll(/https?:[^"' <)]*/g)].map(([address]) => address);
    expect(new Set(addresses)).to.deep.equal(new Set(['http://www.w3.org/2000/svg']));
  });
});
