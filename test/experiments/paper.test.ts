// The experiments of the paper: their plans hold together, and their reports count as they say. Trainings: test/slow.

import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {prepareData} from '../../data/files/index.js';
import type {RecallReport} from '../../eval/recall.js';
import type {MeasuredRun, PaperExperiment, PlannedRun} from '../../experiments/paper/index.js';
import {paperExperiments} from '../../experiments/paper/index.js';
import type {KeptRule} from '../../experiments/paper/kept-tokens.js';
import {keeping} from '../../experiments/paper/kept-tokens.js';
import type {LossByLength} from '../../experiments/paper/loss-by-length.js';
import {MeasurementError} from '../../experiments/paper/measurement-file.js';
import {writeRecallByLength} from '../../experiments/paper/recall-by-length.js';
import {linesSoFar, measureFinished} from '../../experiments/paper/reproduce.js';
import {readRunLines, runLines} from '../../experiments/paper/run-lines.js';
import {margin, marginWords, summaries, summaryWords} from '../../experiments/paper/summary.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {memoryInProcess} from '../../memory/index.js';
import {parameterCount} from '../../models/parameters.js';
import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';

const recall = (accuracy: number): RecallReport => ({
  samples: 10,
  queries: 100,
  loss: 1,
  accuracy,
  // No report reads it: a figure that did would be seen.
  macroAccuracy: 1 - accuracy,
  exactAccuracy: 0,
  classAccuracy: accuracy,
  byDistance: [],
});

/** As if the runs had finished with these accuracies. */
function finished(runs: readonly PlannedRun[], accuracy: (run: PlannedRun) => number): MeasuredRun[] {
  return runs.map(run => ({
    ...run,
    origin: {machine: 'a machine', date: '2026-01-01', software: 'bmojo 0'},
    result: {
      step: 1,
      parameters: 1000,
      stateBytes: 100 * run.config.model.dModel,
      report: recall(accuracy(run)),
    },
  }));
}

const named = (name: string): PaperExperiment => {
  const found = paperExperiments.find(one => one.name === name);
  if (found === undefined) throw new Error(`no experiment ${name}`);
  return found;
};

describe('experiments of the paper', () => {
  let folder: string;
  let data: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-paper-'));
    data = join(folder, 'data');
    writeFileSync(join(folder, 'text.txt'), 'a long text of few letters, over and over. '.repeat(20_000));
    await prepareData({files: [join(folder, 'text.txt')], tokenizer: 'char', out: data});
  });

  after(() => rmSync(folder, {recursive: true}));

  for (const experiment of paperExperiments) {
    for (const quick of [false, true]) {
      it(`${experiment.name} ${quick ? '--quick ' : ''}plans runs of its own models and panels, each once`, () => {
        const options = {quick, backend: 'wasm' as const, ...(experiment.needsText ? {data} : {})};
        const runs = experiment.plan(options);
        expect(runs.length).to.be.above(2);
        expect(new Set(runs.map(({name}) => name)).size).to.equal(runs.length);
        for (const {panel, model, size, name} of runs) {
          expect(experiment.panels).to.include(panel);
          expect(experiment.models).to.include(model);
          expect(experiment.sizes).to.include(size);
          expect(name).to.match(/^[\w.-]+$/);
        }
        if (!quick && experiment.isTimed !== true)
          expect(new Set(runs.map(({config}) => config.train.seed)).size).to.be.at.least(3);
      });
    }

    it(`${experiment.name} plans what is asked for alone`, () => {
      const [model] = experiment.models;
      const options = {
        quick: true,
        backend: 'cpu' as const,
        data,
        models: [model],
        seeds: [7, 8],
        rates: [0.5],
      };
      const runs = experiment.plan(options);
      expect(new Set(runs.map(run => run.model))).to.deep.equal(new Set([model]));
      expect(new Set(runs.map(({config}) => config.train.seed))).to.deep.equal(new Set([7, 8]));
      expect(new Set(runs.map(({config}) => config.train.rate))).to.deep.equal(new Set([0.5]));
      expect(new Set(runs.map(({config}) => config.backend))).to.deep.equal(new Set(['cpu']));
    });
  }

  it('gives every model of figure 3 about as many parameters as Mamba of its size', () => {
    const runs = named('figure-3').plan({quick: false, backend: 'wasm', data, seeds: [1], rates: [1e-3]});
    const sizes = [...new Set(runs.map(run => run.size))];
    expect(sizes).to.have.length(4);
    for (const size of sizes) {
      const counts = runs
        .filter(run => run.size === size)
        .map(({model, config}) => ({model, count: parameterCount(config.model)}));
      const mamba = counts.find(({model}) => model === 'mamba')?.count ?? 0;
      // Depth comes in whole layers: a few deep ones are half a layer off at most.
      for (const {model, count} of counts) expect(count / mamba, `${model} ${size}`).to.be.within(0.9, 1.1);
    }
  });

  it("has models of small state that come to the bytes of B'MOJO in figure 2", () => {
    const runs = named('figure-2').plan({
      quick: false,
      backend: 'wasm',
      panels: ['recall'],
      seeds: [1],
      rates: [1e-3],
    });
    const widest = (name: string): number =>
      Math.max(...runs.filter(({model}) => model === name).map(({config}) => config.model.dModel));
    expect(['window', 'mamba', 'hybrid', 'bmojo', 'transformer'].map(widest)).to.deep.equal([
      256, 256, 256, 128, 128,
    ]);
    // All panels are of one training.
    for (const {config} of runs) expect(config.data.testParts).to.equal('256x16,256x32,256x64');
  });

  it('counts the best rate, the mean and the spread over seeds', () => {
    const runs = named('figure-2').plan({
      quick: true,
      backend: 'wasm',
      models: ['bmojo', 'mamba'],
      panels: ['recall'],
      sizes: ['D 16'],
      seeds: [1, 2, 3],
      rates: [1e-2, 1e-3],
    });
    const accuracy = ({model, config: {train}}: PlannedRun): number =>
      (model === 'bmojo' ? 0.8 : 0.5) + 0.01 * train.seed - (train.rate === 1e-2 ? 0 : 0.2);
    const all = summaries(finished(runs, accuracy), 'larger');
    expect(all.map(({model, rate}) => [model, rate])).to.deep.equal([
      ['mamba', 1e-2],
      ['bmojo', 1e-2],
    ]);
    const [mamba, bmojo] = all;
    expect(bmojo.mean).to.be.closeTo(0.82, 1e-12);
    expect(bmojo.deviation).to.be.closeTo(0.01, 1e-12);
    expect(summaryWords(bmojo, 1, 100)).to.equal('82.0 ± 1.0');
    const ahead = margin(bmojo, mamba);
    expect(ahead?.mean).to.be.closeTo(0.3, 1e-12);
    expect(ahead?.error).to.be.closeTo(0, 1e-12);
    expect(ahead && marginWords(ahead, 1, 100)).to.equal('+30.0 ± 0.0 (3)');
  });

  it('pairs seeds that both models have, and knows no error of a single one', () => {
    const plan = (model: string, seeds: readonly number[]): PlannedRun[] =>
      named('figure-2').plan({
        quick: true,
        backend: 'wasm',
        models: [model],
        panels: ['recall'],
        sizes: ['D 16'],
        seeds,
      });
    const runs = [...plan('bmojo', [1, 2]), ...plan('mamba', [2, 3])];
    const [one, other] = summaries(
      finished(runs, ({model, config: {train}}) => (model === 'bmojo' ? 0.5 : 0.1) * train.seed),
      'larger',
    );
    expect(margin(one, other)).to.deep.equal({mean: 0.8, pairs: 1});
    expect(
      margin(
        one,
        summaries(
          finished(plan('mamba', [9]), () => 0),
          'larger',
        )[0],
      ),
    ).to.equal(undefined);
  });

  it('takes the rate at which most seeds finished before a better mean of fewer', () => {
    const runs = named('figure-2').plan({
      quick: true,
      backend: 'wasm',
      models: ['bmojo'],
      panels: ['recall'],
      sizes: ['D 16'],
      seeds: [1, 2],
      rates: [1e-2, 1e-3],
    });
    const left = finished(runs, ({config}) => (config.train.rate === 1e-2 ? 0.9 : 0.4)).filter(
      ({config: {train}}) => train.rate !== 1e-2 || train.seed === 1,
    );
    expect(summaries(left, 'larger')[0]).to.include({rate: 1e-3, mean: 0.4});
  });

  it('reports figure 2 part by part, with margins at no more bytes of state and a drawing', () => {
    const runs = named('figure-2').plan({quick: true, backend: 'wasm', seeds: [1, 2]});
    const bytesOf = ({config, model}: PlannedRun): number =>
      config.model.dModel * (model === 'bmojo' ? 1500 : 1000);
    const measured = finished(runs, () => 0.1).map((run): MeasuredRun => {
      const isWide = run.config.model.dModel === 32;
      const accuracy = run.model === 'bmojo' ? 0.9 : isWide ? 0.8 : 0.25;
      const points = ['32x2', '32x4'].map(part => ({
        part,
        length: 32,
        questions: 128,
        accuracy: accuracy - (part === '32x4' ? 0.2 : 0),
      }));
      return {...run, result: {...run.result, stateBytes: bytesOf(run)}, recall: {points}};
    });
    const report = named('figure-2').report(measured);
    expect(report.tables).to.have.length(2);
    // The wide Mamba has more bytes than B'MOJO, and is not what stands beside it.
    expect(report.finding).to.include('2 pairs: +65.0 ± 0.0 (2) points over transformer');
    expect(report.finding).to.include('+65.0 ± 0.0 (2) points over mamba');
    expect(report.figures).to.include({'bmojo.2-pairs.D16': '90.0 %', 'bmojo.4-pairs.D16': '70.0 %'});
    expect([...new Set(report.tables[0].rows.slice(1).map(([panel]) => panel))]).to.deep.equal([
      '2 pairs',
      'slots, 2 pairs',
      '4 pairs',
      'slots, 4 pairs',
    ]);
    expect(report.plot).to.match(/^<svg /);
    for (const {rows} of report.tables)
      expect(new Set(rows.map(row => row.length)).size, JSON.stringify(rows[0])).to.equal(1);
    const cheap = measured.map(run => ({
      ...run,
      result: {...run.result, stateBytes: run.model === 'mamba' ? 9 : 99},
    }));
    expect(named('figure-2').report(cheap).finding).to.include('+10.0 ± 0.0 (2) points over mamba');
    expect(() => named('figure-2').report(finished(runs, () => 0.1))).not.to.throw();
  });

  it('reports table 3: accuracy by class for the tasks of MAD, by question for the others', () => {
    const runs = named('table-3').plan({
      quick: true,
      backend: 'wasm',
      models: ['bmojo', 'mamba'],
      seeds: [1, 2],
    });
    const measured = finished(runs, () => 0.5).map((run): MeasuredRun => {
      const isOwn = run.model === 'bmojo';
      const report = {...recall(isOwn ? 0.9 : 0.5), classAccuracy: isOwn ? 0.8 : 0.6};
      return {...run, result: {...run.result, report}};
    });
    const {tables, figures, finding} = named('table-3').report(measured);
    expect(tables[0].rows.slice(1)).to.deep.equal([
      ['small', 'mamba', '50.0 ± 0.0', '50.0 ± 0.0', '60.0 ± 0.0', '60.0 ± 0.0'],
      ['small', 'bmojo', '90.0 ± 0.0', '90.0 ± 0.0', '80.0 ± 0.0', '80.0 ± 0.0'],
    ]);
    expect(tables[1].rows[1].slice(2)).to.deep.equal([
      ...['+40.0 ± 0.0 (2)', '+40.0 ± 0.0 (2)', '+20.0 ± 0.0 (2)', '+20.0 ± 0.0 (2)'],
    ]);
    expect(figures['bmojo.mad-fuzzy-recall.small']).to.equal('80.0 %');
    expect(finding).to.include("B'MOJO beside mamba: selective-copying +40.0 ± 0.0 (2)");
  });

  it('reports figure 3 and the slots with losses, of which the smaller is the better', () => {
    const language = (loss: number) => ({
      ...{windows: 2, tokens: 2, loss, perplexity: Math.exp(loss), bitsPerByte: 1, accuracy: 0},
    });
    const options = {quick: true, backend: 'wasm' as const, data, seeds: [1, 2]};
    const losses = (
      name: string,
      loss: (run: PlannedRun) => number,
      rates?: readonly number[],
    ): MeasuredRun[] =>
      finished(named(name).plan({...options, ...(rates === undefined ? {} : {rates})}), () => 0.5).map(run =>
        run.panel === 'recall' ? run : {...run, result: {...run.result, report: language(loss(run))}},
      );
    const sizes = named('figure-3').report(
      losses(
        'figure-3',
        ({model, config: {train}}) =>
          (model === 'bmojo' ? 2 : 2.5) + 0.01 * train.seed + (train.rate === 1e-3 ? 1 : 0),
        [1e-3, 1e-2],
      ),
    );
    expect(sizes.figures).to.include({'bmojo.quick': '2.0150', 'mamba.quick': '2.5150'});
    expect(sizes.finding).to.include('quick bmojo beside mamba −0.5000 ± 0.0000 (2)');
    expect(new Set(sizes.tables[0].rows.slice(1).map(row => row.at(-1)))).to.deep.equal(new Set(['0.01']));
    const kinds = named('slots').report(
      losses('slots', ({model, config}) => (model === 'latest' ? 3 : 2) - config.model.eideticSlots / 10),
    );
    expect(kinds.figures).to.include({'text.innovation.0': '2.0000', 'text.innovation.8': '1.2000'});
    expect(kinds.finding)
      .to.include('text, latest +1.0000 ± 0.0000 (2) nats')
      .and.include('recall, latest +0.0');
  });

  it('reports storage by length and by what a bounded store keeps, over seeds', () => {
    const runs = named('storage').plan({
      quick: false,
      backend: 'wasm',
      panels: ['trained at 64'],
      models: ['storage', 'mamba'],
      seeds: [1, 2],
    });
    const measured = finished(runs, () => 0.9).map((run): MeasuredRun => {
      const isStoring = run.model === 'storage';
      const accuracy = isStoring ? 0.97 + 0.01 * run.config.train.seed : 0.01;
      const point = {part: '1024x64', length: 1024, questions: 64};
      const kept = isStoring ? [{...point, accuracy: accuracy - 0.5, kept: 'latest'}] : [];
      return {...run, recall: {points: [{...point, accuracy}, ...kept]}};
    });
    const {tables, finding, figures, plot} = named('storage').report(measured);
    expect(tables.map(({rows}) => rows.map(row => row.at(-1)))).to.deep.equal([
      ['1,024, 64 pairs', '98.5 ± 0.7 %', '1.0 ± 0.0 %'],
      ['accuracy', '98.5 ± 0.7 %', '48.5 ± 0.7 %'],
    ]);
    expect(finding).to.include('storage 98.5 ± 0.7 %, mamba 1.0').and.to.include('latest 48.5 ± 0.7 %');
    expect(figures).to.include({'storage.64.1024x64': '98.5 %', 'kept.64.latest': '48.5 %'});
    expect(plot).to.match(/^<svg /);
  });

  it('sets text with storage beside its twin window by window', () => {
    const runs = named('storage-text').plan({quick: true, backend: 'wasm', data, seeds: [1, 2]});
    const measured = finished(runs, () => 0).map((run): MeasuredRun => {
      const gain = run.model === 'storage' ? 0.1 * run.config.train.seed : 0;
      const windowLosses = [3 - gain, 4 - gain, 6 - gain + (gain && 0.3)];
      const point = {prefix: 64, loss: 4, change: {mean: 0}, windowLosses};
      return {...run, lengths: {windows: 3, reference: 64, points: [point]}};
    });
    const {tables, figures, plot} = named('storage-text').report(measured);
    expect(tables[1].rows.slice(0, 2)).to.deep.equal([
      ['model', '64'],
      ['storage', '−0.0500 ± 0.1000 (3)'],
    ]);
    expect(figures['storage.64']).to.equal('−0.0500 ± 0.1000');
    expect(plot).to.match(/^<svg /);
  });

  it('sets models side by side at the best rate of each, where several are tried', () => {
    const options = {quick: true, backend: 'wasm' as const, data, seeds: [1, 2], rates: [1e-2, 1e-3]};
    const good = (run: PlannedRun): boolean => (run.config.train.rate === 1e-2) === (run.model !== 'storage');
    const text = (name: string, points: (run: PlannedRun) => LossByLength['points']): MeasuredRun[] =>
      finished(named(name).plan(options), run => (good(run) ? 0.9 : 0.1)).map(run => {
        const {report} = run.result;
        const perplexity = good(run) ? 2 : 9;
        const language = {windows: 2, tokens: 2, perplexity, bitsPerByte: 1, accuracy: 0};
        const result = {...run.result, report: {...language, loss: Math.log(perplexity)}};
        expect(report).to.have.property('byDistance');
        return {
          ...run,
          result,
          tokensPerSecond: 1000 * run.config.train.seed,
          lengths: {windows: 2, reference: 16, points: points(run)},
        };
      });
    // At the bad rate everything is ten nats worse: it must be seen nowhere but in the rows of single runs.
    const at = (run: PlannedRun): number => (good(run) ? 3 : 13) - (run.model === 'storage' ? 0.5 : 0);
    const twins = named('storage-text').report(
      text('storage-text', run => [
        {prefix: 64, loss: at(run), change: {mean: 0}, windowLosses: [at(run), at(run) + 1]},
      ]),
    );
    expect(twins.figures['storage.64']).to.equal('−0.5000 ± 0.0000');
    const longer = named('figure-5').report(
      text('figure-5', run => [
        {prefix: 0, loss: 4, change: {mean: 1}},
        {prefix: 16, loss: 3, change: {mean: 0}},
        // Seeds of a model differ; the error of its windows is another.
        {
          prefix: 128,
          loss: at(run),
          change: {mean: good(run) ? 0.1 + 0.1 * run.config.train.seed : 9, error: 0.7},
        },
      ]),
    );
    const [changes, single] = longer.tables.map(({rows}) => rows.slice(1));
    expect(single.map(row => row.at(-1)))
      .to.include('+0.3000 ± 0.7000 (2)')
      .and.not.include('+9.0000 ± 0.7000 (2)');
    const last = changes.filter(([, , before]) => before === '128').map(row => row.at(-1));
    expect(new Set(last)).to.deep.equal(new Set(['+0.2500 ± 0.0500 (2)']));
    expect(longer.finding).to.include('bmojo, carried trained at 32 +0.250 ± 0.050 (2) at 128');
    expect(new Set(Object.values(longer.figures))).to.deep.equal(new Set(['0.2500']));
    const alone = named('figure-5').report(
      text('figure-5', () => [{prefix: 128, loss: 3, change: {mean: 0.5, error: 0.7}}]).filter(
        ({config}) => config.train.seed === 1,
      ),
    );
    expect(alone.finding, 'the windows of a single seed').to.include(
      'bmojo trained at 32 +0.500 ± 0.700 (2) at 128',
    );
    expect(longer.plot, 'the prefix of none').to.include('>0<');
    const timed = named('figure-4').report(text('figure-4', () => []));
    const rows = timed.tables[0].rows.slice(1);
    expect(rows.map(([precision, , model]) => `${precision} ${model}`)).to.have.members(
      ['float32', 'float16'].flatMap(each =>
        ['transformer', 'mamba', 'bmojo'].map(model => `${each} ${model}`),
      ),
    );
    // 2 x 64 tokens at 1,000 and 2,000 tokens a second.
    for (const row of rows) expect(row[4]).to.equal('96.0 ± 45.3');
    expect(timed.finding).to.match(/^In float32 .*1\.00 x that of mamba at quick\. In float16 /);
  });

  it('knows lines of runs that have finished before the report, and leaves what cannot be measured to it', async () => {
    const experiment = named('figure-2');
    const options = {quick: true, backend: 'wasm', models: ['mamba'], panels: ['recall']} as const;
    const [run] = experiment.plan(options);
    const [known] = finished([run], () => 0.25);
    const path = join(folder, 'early.jsonl');
    writeFileSync(path, runLines([known]));
    const out = join(folder, 'early');
    expect(await linesSoFar(experiment, {...options, out})).to.equal('');
    expect(await linesSoFar(experiment, {...options, out, add: [path]})).to.equal(runLines([known]));
    const trained = RunFolder.create(join(out, 'runs', run.name), run.config);
    trained.begin(0);
    expect(await measureFinished(experiment, {...options, out}, run.name)).to.equal(false); // not finished
    trained.writeResult({...known.result, step: 1});
    trained.release();
    expect(await measureFinished(experiment, {...options, out}, run.name)).to.equal(false); // without its weights
    expect(await linesSoFar(experiment, {...options, out})).to.equal('');
    const measured = join(trained.path, 'recall.json');
    writeFileSync(measured, '{"points":[]}'); // damaged: without its digest
    expect(await linesSoFar(experiment, {...options, out})).to.equal('');
    writeRecallByLength(measured, {points: []});
    expect(await linesSoFar(experiment, {...options, out})).to.include(`"name":"${run.name}"`);
  });

  it('counts runs of a file as finished, and refuses those of other settings', () => {
    const plan = (batch: number): PlannedRun[] =>
      named('figure-2')
        .plan({quick: true, backend: 'wasm', models: ['bmojo', 'mamba'], seeds: [1, 2]})
        .map(run => ({...run, config: {...run.config, train: {...run.config.train, batch}}}));
    const all = finished(plan(16), ({model}) => (model === 'bmojo' ? 0.9 : 0.25)).map((run): MeasuredRun => {
      const lengths = {
        windows: 2,
        reference: 8,
        points: [{prefix: 8, loss: 3, change: {mean: 0, error: 0.5}}],
      };
      return {...run, tokensPerSecond: 1000, lengths, recall: {points: []}};
    });
    const path = join(folder, 'runs.jsonl');
    writeFileSync(path, runLines(all));
    const elsewhere = plan(16).map(run => ({...run, config: {...run.config, backend: 'cpu' as const}}));
    const read = readRunLines(path, elsewhere);
    expect(read.map(({config: _, ...rest}) => rest)).to.deep.equal(all.map(({config: _, ...rest}) => rest));
    expect(readRunLines(path, elsewhere.slice(0, 1)).map(({name}) => name)).to.deep.equal([
      elsewhere[0].name,
    ]);
    expect(() => readRunLines(path, plan(8))).to.throw(MeasurementError, /line 1 is of .* other settings/);
    const longer = elsewhere.map(run => {
      const data = {...run.config.data, length: 40};
      return {...run, config: {...run.config, data}};
    });
    expect(() => readRunLines(path, longer)).to.throw(MeasurementError, /line 1 is of .* other settings/);
    // A line of before there was a setting is of a run that had its default.
    writeFileSync(path, runLines(all).replaceAll('"clip":1,', ''));
    expect(readRunLines(path, elsewhere)).to.have.length(all.length);
    const clipped = elsewhere.map(run => {
      const train = {...run.config.train, clip: 2};
      return {...run, config: {...run.config, train}};
    });
    expect(() => readRunLines(path, clipped)).to.throw(/line 1 .* \(train clip is 1 there, 2 here\)/);
    writeFileSync(path, runLines(all).replace('"clip":1,', '"cut":1,'));
    expect(() => readRunLines(path, elsewhere)).to.throw(MeasurementError, /line 1 .*cut/);
    writeFileSync(path, `${runLines(all).split('\n')[0]}\n{"name":"${all[1].name}"}\n`);
    expect(() => readRunLines(path, elsewhere)).to.throw(MeasurementError, /line 2 must hold an object/);
    writeFileSync(path, runLines(all).replace('"step":1,', ''));
    expect(() => readRunLines(path, elsewhere)).to.throw(
      MeasurementError,
      /line 1 must hold step as a number/,
    );
    writeFileSync(path, runLines(all).replace(/"recall":\{[^}]*\}/, '"recall":"much"'));
    expect(() => readRunLines(path, elsewhere)).to.throw(MeasurementError, /line 1 must hold an object/);
  });

  it('keeps of a full store what the rule says', async () => {
    const format = {model: 'm', layers: [0], groups: 1, width: 1, precision: 'f32'} as const;
    const positions = Int32Array.from({length: 8}, (_, i) => i);
    const left = async (rule: KeptRule): Promise<number[]> => {
      const store = memoryInProcess(format, {quota: 2});
      const innovations = Float32Array.of(0, 5, 0, 1, 4, 0, 0, 1);
      const keys = new Float32Array(8);
      await keeping(store, rule).append({
        stream: 's',
        layer: 0,
        positions,
        innovations,
        keys,
        values: keys,
      });
      const found: number[] = [];
      for await (const batch of store.snapshot({streams: 'all'})) found.push(...batch.positions);
      await store.close();
      return found;
    };
    expect(await left('innovation')).to.deep.equal([1, 4]);
    expect(await left('latest')).to.deep.equal([6, 7]);
    expect(await left('every 4th')).to.deep.equal([3, 7]);
    expect(await left('by chance')).to.have.lengthOf(2);
  });
});

describe('panelPlot', () => {
  const one = linePlot({
    title: 'one',
    xLabel: 'x',
    yLabel: 'y',
    series: [
      {
        name: 'a',
        points: [
          [0, 1],
          [1, 2],
        ],
      },
    ],
  });

  it('sets drawings side by side and below each other', () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(one) ?? [];
    const svg = panelPlot([one, one, one], 2);
    expect(svg).to.include(`viewBox="0 0 ${2 * Number(width)} ${2 * Number(height)}"`);
    expect(svg.match(/<svg /g)).to.have.length(4);
    expect(svg.match(/<\/svg>/g)).to.have.length(4);
    expect(svg).to.include(`x="${width}" y="0"`).and.to.include(`x="0" y="${height}"`);
  });

  it('refuses what is no drawing', () => {
    expect(() => panelPlot(['<p>'], 2)).to.throw(/must begin with <svg/);
  });
});
