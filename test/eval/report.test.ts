import {mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {expect} from 'chai';
import {htmlReport} from '../../eval/report/html.js';
import type {EvaluationRecord} from '../../eval/report/record.js';
import {EvaluationError, readRecords, writeRecord} from '../../experiments/evaluations.js';
import {FilePlaceError} from '../../formats/atomic-file.js';

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

  it('stand side by side, unless the same command measured the same weights again', () => {
    const other = {...record('bmojo'), command: 'bmojo eval needle --checkpoint "a b" --pairs 4'};
    const names = (files: string[]): string[] => files.map(file => basename(file));
    writeRecord(folder, record('bmojo'));
    expect(names(writeRecord(folder, other))).to.deep.equal(['needle-2.json', 'needle-2.svg']);
    expect(names(writeRecord(folder, {...record('bmojo'), step: 8}))[0]).to.equal('needle-3.json');
    expect(names(writeRecord(folder, {...other, command: `${other.command} --json`}))[0]).to.equal(
      'needle-2.json',
    );
    expect(names(writeRecord(folder, record('again')))[0], 'the same again').to.equal('needle.json');
    const kept = readRecords(folder);
    expect(kept.map(({command, step}) => `${step} ${command}`)).to.have.lengthOf(3);
    const html = htmlReport('r', [{name: 'run', results: [], facts: [], records: kept}]);
    for (const label of ['run (1)', 'run (2)', 'run (3)']) expect(html).to.include(label);
  });

  it('that are damaged are named', () => {
    writeRecord(folder, record('bmojo'));
    const file = join(folder, 'evaluations', 'needle.json');
    writeFileSync(file, '{"name": "needle"');
    expect(() => readRecords(folder)).to.throw(EvaluationError, 'must be JSON');
    writeFileSync(file, '{"name": "needle"}');
    expect(() => readRecords(folder)).to.throw(EvaluationError, 'must hold table as a list');
    writeRecord(folder, record('bmojo'));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"50.0 %"', '"60.0 %"'));
    expect(() => readRecords(folder)).to.throw(EvaluationError, 'is damaged or was changed: its SHA-256');
  });

  it('of others are checked before they are believed', () => {
    mkdirSync(join(folder, 'evaluations'));
    const file = join(folder, 'evaluations', 'needle.json');
    const refused: [object, string][] = [
      [{step: '<img src=x onerror=alert(1)>'}, 'must hold step as a whole number from 0'],
      [{name: '../outside'}, 'must hold name as a plain file name'],
      [{title: 7}, 'must hold title as text, got 7'],
      [{table: [[{}]]}, 'table[0][0]'],
      [{plot: {...record('a').plot, series: 'x'}}, 'plot.series'],
      [{plot: {...record('a').plot, xScale: 'cubic'}}, 'plot.xScale as one of linear, log, got "cubic"'],
      [{plot: {...record('a').plot, yRange: [0, '1']}}, 'plot.yRange[1] must be a number'],
      [
        {memory: {title: 't', length: 1, names: ['a', 'b', 'c'], panels: [{title: 't', stored: [1]}]}},
        'stored[0]',
      ],
      [{map: {title: 't', xLabel: 'x', yLabel: 'y', columns: [1], rows: [], panels: []}}, 'columns[0]'],
      [{plot: {...record('a').plot, levels: [{y: 'a', words: 'b'}]}}, 'levels[0].y must be a number'],
      [{plot: JSON.parse(`${'['.repeat(150)}${']'.repeat(150)}`)}, 'must hold plot as an object'],
    ];
    for (const [own, words] of refused) {
      writeFileSync(file, JSON.stringify({...record('bmojo'), ...own}));
      expect(() => readRecords(folder)).to.throw(EvaluationError, words);
    }
    // A finished drawing of an older version is no markup of ours.
    writeFileSync(file, JSON.stringify({...record('bmojo'), drawing: '<script>alert(2)</script>'}));
    expect(readRecords(folder)).to.deep.equal([record('bmojo')]);
  });

  it('behind links are neither read nor written', () => {
    const elsewhere = join(folder, 'elsewhere');
    writeRecord(elsewhere, record('bmojo'));
    const run = join(folder, 'run');
    mkdirSync(run);
    symlinkSync(join(elsewhere, 'evaluations'), join(run, 'evaluations'));
    expect(() => readRecords(run)).to.throw(EvaluationError, 'must be a folder of its own');
    expect(() => writeRecord(run, record('mamba'))).to.throw(FilePlaceError, 'is a link');
    rmSync(join(run, 'evaluations'));
    mkdirSync(join(run, 'evaluations'));
    symlinkSync(join(elsewhere, 'evaluations', 'needle.json'), join(run, 'evaluations', 'needle.json'));
    expect(() => readRecords(run)).to.throw(EvaluationError, 'must be a file');
    expect(() => writeRecord(run, record('mamba'))).to.throw(FilePlaceError, 'is a link');
    expect(readRecords(elsewhere)).to.deep.equal([record('bmojo')]);
  });
});

describe('HTML report', () => {
  const curve = {...record('curve').plot!, title: 'learned <b>'};
  const html = htmlReport('Report', [
    {
      name: 'a',
      results: [
        ['model', 'bmojo'],
        ['accuracy', 0.9],
      ],
      facts: [
        ['rate', 0.1],
        ['data', 'data /home/somebody/texts/books, context 64'],
      ],
      records: [record('bmojo')],
    },
    {name: 'b', results: [['model', 'mamba']], facts: [['rate', 0.2]], curve, records: [record('mamba')]},
  ]);

  it('lays the curves of the runs over each other and joins their tables', () => {
    expect(
      html.match(/<polyline/g),
      'for two widths: two of the evaluation, one learning curve',
    ).to.have.lengthOf(6);
    const headings = [...html.matchAll(/<h2>([^<]*)</g)].map(([, words]) => words);
    expect(headings, 'results first, settings last').to.deep.equal([
      'Learning curves',
      'needle: found &#38; counted',
      'Settings',
    ]);
    expect(html.indexOf('<td>mamba</td>')).to.be.below(html.indexOf('<h2>'));
    expect(html).to.include('<td>a</td><td class="number">64</td><td class="number">50.0 %</td>');
    expect(html).to.include('learned &#60;b&#62;');
    expect(html, 'commands are broken into lines').to.include('<td class="words"><code>bmojo eval needle');
    expect(html).to.include('<td>b</td><td>mamba</td>');
  });

  it('names no place on the machine that made it', () => {
    expect(html).to.include('data books, context 64');
    const own = (command: string): string =>
      htmlReport('r', [{name: 'a', results: [], facts: [], records: [{...record('a'), command}]}]);
    for (const path of [
      '/home/u/runs/a',
      '~/runs/a',
      'C:\\\\Users\\\\u\\\\a',
      '"/home/a b/c"',
      '--out=/tmp/x/a',
    ])
      expect(own(`bmojo eval needle --checkpoint ${path}`), path).to.not.match(/home|Users|~\/|tmp/);
    expect(own('bmojo eval needle --checkpoint runs/a --text ../b/c.txt')).to.include(
      '--checkpoint runs/a --text ../b/c.txt',
    );
  });

  it('lays what several runs held out over each other, and shows maps for two widths and two schemes', () => {
    const of = (name: string) => ({
      name,
      results: [],
      facts: [],
      curve: {
        ...curve,
        series: ['training batches', 'held out'].map(own => ({name: own, points: [[1, 1]] as const})),
      },
      records: [
        {
          ...record(name),
          plot: undefined,
          map: {
            title: 'm',
            xLabel: 'x',
            yLabel: 'y',
            columns: ['1'],
            rows: ['2'],
            panels: [{title: 'p', values: [[0.5]]}],
          },
        },
      ],
    });
    const both = htmlReport('r', [of('a'), of('b')]);
    expect(both.match(/<svg/g), 'one of curves, two maps').to.have.lengthOf(2 * (1 + 2));
    expect(both.match(/f-share5"/g)).to.have.lengthOf(4);
    expect(both).to.include('color-scheme: light dark').and.include('(max-width: 640px)');
  });

  it('escapes what it shows, and needs neither scripts nor the network', () => {
    expect(html).to.include('found &#38; counted').and.include('&#60;here&#62;').and.include('&#34;a b&#34;');
    expect(html).to.include(`<meta http-equiv="Content-Security-Policy" content="default-src 'none';`);
    expect(html).not.to.match(/<script|<link|<img|@import|\ssrc=|href=/);
    const addresses = [...html.matchAll(/https?:[^"' <)]*/g)].map(([address]) => address);
    expect(new Set(addresses)).to.deep.equal(new Set(['http://www.w3.org/2000/svg']));
  });
});
