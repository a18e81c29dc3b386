// What a run folder says of itself: lines that were written whole, the processes that trained it, and what reports make of them.

import fs, {appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {MetricsLog} from '../../experiments/metrics-log.js';
import {paperExperiments} from '../../experiments/paper/index.js';
import {reportExperiment} from '../../experiments/paper/reproduce.js';
import {parseRunConfig} from '../../experiments/run-config.js';
import {RunFolder, RunFolderError} from '../../experiments/run-folder.js';
import {wholeLines} from '../../formats/json-lines.js';

const report = {
  samples: 1,
  queries: 4,
  loss: 1,
  accuracy: 0.5,
  macroAccuracy: 0.5,
  exactAccuracy: 0,
  classAccuracy: 0.5,
  byDistance: [],
};

describe('files of a run', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-run-files-'));
  });
  afterEach(() => rmSync(root, {recursive: true}));

  it('a line without its end is none, wherever a killed process was in it', () => {
    expect(wholeLines('a\nb\nhalf').map(({line, number}) => [number, line])).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
    ]);
    const path = join(root, 'metrics.jsonl');
    const whole = `${JSON.stringify({step: 1, loss: 2})}\n`;
    const next = `${JSON.stringify({step: 2, evaluated: report, beyondReach: {queries: 1}, time: 3})}\n`;
    for (let cut = 0; cut < next.length; cut++) {
      writeFileSync(path, `${whole}${next.slice(0, cut)}`);
      expect(
        new MetricsLog(path).read().map(({step}) => step),
        next.slice(0, cut),
      ).to.deep.equal([1]);
    }
    writeFileSync(path, [1, 2, 3].map(step => `${JSON.stringify({step, loss: 2})}\n`).join(''));
    const log = new MetricsLog(path);
    log.rewind(2);
    expect(log.read().map(({step}) => step)).to.deep.equal([1, 2]);
    writeFileSync(path, `${whole}{"step":2,\n${whole}`);
    expect(() => new MetricsLog(path).read()).to.throw(RunFolderError, 'line 2 is damaged');
  });

  it('metrics are on the disk before a checkpoint notes what they are', () => {
    const path = join(root, 'metrics.jsonl');
    const log = new MetricsLog(path);
    expect(log.settled().bytes).to.equal(0);
    log.append({step: 1, loss: 2});
    const {fsyncSync} = fs;
    const synced: number[] = [];
    fs.fsyncSync = handle => {
      synced.push(statSync(path).size, fs.fstatSync(handle).ino);
      fsyncSync(handle);
    };
    syncBuiltinESMExports();
    try {
      const {bytes} = log.settled();
      expect(synced).to.deep.equal([bytes, statSync(path).ino]);
    } finally {
      fs.fsyncSync = fsyncSync;
      syncBuiltinESMExports();
    }
  });

  it('sessions say where and when, and refuse what is damaged', () => {
    const config = parseRunConfig('mqar', {data: {length: 16, pairs: 2, vocabSize: 16}});
    const folder = RunFolder.create(join(root, 'run'), config);
    expect(folder.sessions()).to.deep.equal([]);
    folder.begin(0);
    folder.begin(3, {command: 'bmojo train', device: 'a card', together: 4});
    appendFileSync(join(folder.path, 'sessions.jsonl'), '{"step":9');
    const [first, second, ...rest] = folder.sessions();
    expect(rest).to.deep.equal([]);
    expect(first).to.include({backend: 'wasm', version: '0.1.0'}).and.not.have.any.keys('device', 'together');
    expect(second).to.include({device: 'a card', together: 4});
    folder.begin(5);
    expect(folder.sessions()).to.have.lengthOf(3);
    writeFileSync(join(folder.path, 'sessions.jsonl'), '{"step":9}\n');
    expect(() => folder.sessions()).to.throw(RunFolderError, /line 1 must hold version, date, machine/);
    folder.release();
  });

  it('a report of runs names the machine and the day of their trainings, not its own', async () => {
    const experiment = paperExperiments.find(({name}) => name === 'table-3');
    if (experiment === undefined) throw new Error('no table-3');
    const chosen = {quick: true, backend: 'wasm', models: ['mamba'], panels: ['induction-heads']} as const;
    const options = {...chosen, out: root, jobs: 1, command: 'bmojo reproduce table-3'};
    const [run] = experiment.plan(options);
    const folder = RunFolder.create(join(root, 'runs', run.name), run.config);
    const session = {step: 0, version: '0.0.7', date: '2020-02-29T10:00:00.000Z', machine: 'an old machine'};
    const place = join(folder.path, 'sessions.jsonl');
    writeFileSync(place, `${JSON.stringify({...session, backend: 'webgpu', device: 'a card'})}\n`);
    folder.writeResult({step: 1, parameters: 1, stateBytes: 1, report});
    folder.release();
    const made = await reportExperiment(experiment, options);
    expect(JSON.parse(made?.files['machine.json'] ?? '')).to.deep.equal({
      machine: 'an old machine; webgpu on a card',
      date: '2020-02-29',
      seeds: [1],
      software: 'bmojo 0.0.7',
    });
    expect(JSON.parse(made?.files['runs.jsonl'] ?? '')).to.include({date: '2020-02-29'});
    expect(readFileSync(place, 'utf8')).to.include('an old machine');
    rmSync(place);
    const refused = await reportExperiment(experiment, options).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(RunFolderError);
    expect(String(refused)).to.include('has no sessions.jsonl');
  });

  it('measures what was not measured yet, last, and tells the lines of all that are known by then', async () => {
    const experiment = paperExperiments.find(({name}) => name === 'figure-2');
    if (experiment === undefined) throw new Error('no figure-2');
    const chosen = {
      quick: true,
      backend: 'wasm',
      models: ['mamba', 'hybrid'],
      panels: ['recall'],
      sizes: ['D 16'],
    } as const;
    const options = {...chosen, out: root, jobs: 1, command: 'bmojo reproduce figure-2', seeds: [1, 2]};
    const planned = experiment.plan(options);
    expect(planned).to.have.length(4);
    for (const [i, {name, config}] of planned.entries()) {
      const folder = RunFolder.create(join(root, 'runs', name), config);
      folder.begin(0, {together: i + 1});
      const steps = [1, 2, 3].map(step => `${JSON.stringify({step, loss: 2, tokensPerSecond: 10 * step})}\n`);
      writeFileSync(join(folder.path, 'metrics.jsonl'), steps.join(''));
      folder.writeResult({step: 1, parameters: 1, stateBytes: 1, report});
      folder.release();
    }
    const told: string[][] = [];
    const nameOf = (line: string): string => JSON.parse(line).name;
    const once = async (most: number) => {
      let left = most;
      const measured = {
        ...experiment,
        measureRecall: async () => {
          if (left-- === 0) throw new Error('the power went');
          return {points: []};
        },
      };
      return reportExperiment(measured, options, (name, lines) =>
        told.push([name, ...lines.trimEnd().split('\n').map(nameOf)]),
      );
    };
    const [first, second, third, fourth] = planned.map(({name}) => name);
    expect(String(await once(1).catch((error: unknown) => error))).to.include('the power went');
    expect(told).to.deep.equal([[first, first]]);
    // The first is not measured again; without its measurement it comes behind those that have one.
    rmSync(join(root, 'runs', first, 'recall.json'));
    expect(String(await once(2).catch((error: unknown) => error))).to.include('the power went');
    rmSync(join(root, 'runs', first, 'recall.json'));
    told.length = 0;
    const made = await once(3);
    expect(told).to.deep.equal([
      [first, first, second],
      [third, first, second, third],
      [fourth, first, second, third, fourth],
    ]);
    const lines = (made?.files['runs.jsonl'] ?? '').trimEnd().split('\n');
    expect(lines.map(nameOf)).to.deep.equal([first, second, third, fourth]);
    // The speed is its own only where it was trained alone.
    expect(lines.map(line => JSON.parse(line).tokensPerSecond)).to.deep.equal([
      30,
      undefined,
      undefined,
      undefined,
    ]);
    // Of files of several sessions all runs count, each once.
    const parts = lines.map((_, i) => join(root, `${i}.jsonl`));
    for (const [i, line] of lines.entries()) writeFileSync(parts[i], `${line}\n${lines[0]}\n`);
    const elsewhere = {...options, out: join(root, 'elsewhere')};
    const joined = await reportExperiment(experiment, {...elsewhere, add: parts});
    expect(joined?.files['runs.jsonl']).to.equal(made?.files['runs.jsonl']);
    expect(joined).to.include({finished: 4, planned: 4});
  });
});
