// What a comparison came to: one table, one line a run for spreadsheets, curves over each other.

import {join} from 'node:path';
import {meanCurve} from '../eval/compare.js';
import type {SeedSummary} from '../eval/seeds.js';
import {seedColumns, seedSummaries} from '../eval/seeds.js';
import type {Cell} from '../eval/table.js';
import {markdownTable} from '../eval/table.js';
import type {ComparedModel, WorkloadFamily} from '../experiments/families/index.js';
import {RunFolder} from '../experiments/run-folder.js';
import {csvOf, runRow} from '../experiments/run-list.js';
import {linePlot} from '../plot/line-plot.js';
import type {PlannedRun} from './compare-plan.js';

/** A model of the comparison, its settings and its rate. */
interface Contestant extends ComparedModel {
  readonly summary: SeedSummary;
}

export interface ComparisonReport {
  readonly table: readonly (readonly Cell[])[];
  readonly summaries: readonly SeedSummary[];
  /** Contents by file. */
  readonly files: Readonly<Record<string, string>>;
}

/** The runs of each model at its best rate, by seed. */
function contestants(family: WorkloadFamily, finished: readonly PlannedRun[]): Contestant[] {
  const {headline} = family;
  const summaries = seedSummaries(
    finished.map(({path, config: {model, train}, settings}) => ({
      model: model.preset,
      settings,
      rate: train.rate,
      seed: train.seed,
      value: headline.value(RunFolder.open(path).readResult().report),
    })),
    headline.better,
  );
  return summaries.map(summary => {
    const {model, settings, rate} = summary;
    const own = finished.filter(
      run =>
        run.config.model.preset === model &&
        run.config.train.rate === rate &&
        JSON.stringify(run.settings) === JSON.stringify(settings),
    );
    const varied = Object.entries(settings).map(([name, value]) => `, ${name} ${value}`);
    return {
      name: `${model}${varied.join('')}`,
      summary,
      runs: own.map(({name, path}) => {
        const folder = RunFolder.open(path);
        return {name, result: folder.readResult(), evaluations: folder.evaluations()};
      }),
    };
  });
}

/** Table, files and plots of the runs that finished; `diverged` names the others. */
export function reportComparison(
  family: WorkloadFamily,
  finished: readonly PlannedRun[],
  {out, diverged}: {out: string; diverged: readonly string[]},
): ComparisonReport {
  const models = contestants(family, finished);
  const summaries = models.map(({summary}) => summary);
  const {headline, columns} = family;
  const seeded = seedColumns(summaries, headline.name, headline.words);
  const varied = [...new Set(summaries.flatMap(({settings}) => Object.keys(settings)))];
  const {config} = finished[0] ?? {};
  const table: Cell[][] = [
    ['model', ...varied, ...seeded.head, ...columns, 'best rate'],
    ...models.map(({summary, ...model}) => [
      summary.model,
      ...varied.map(name => summary.settings[name] ?? '-'),
      ...seeded.row(summary),
      ...family.cells(model, config),
      summary.rate,
    ]),
  ];
  const results = finished.map(({path, config: {model, train}, settings}) => ({
    model: model.preset,
    ...settings,
    rate: train.rate,
    seed: train.seed,
    ...RunFolder.open(path).readResult(),
  }));
  const several = summaries.some(({seeds}) => seeds.length > 1);
  const own = models[0] === undefined ? undefined : family.curve('', [], config);
  const curves = linePlot({
    title: `${family.name}: ${headline.name}, held out${several ? ', mean over seeds' : ''}`,
    xLabel: several ? 'step; whiskers: standard deviation over seeds' : 'step',
    yLabel: headline.name,
    yRange: own?.yRange,
    levels: own?.levels,
    markers: true,
    series: models.map(({name, runs}) =>
      meanCurve(
        name,
        runs.map(({evaluations}) =>
          evaluations.map(({step, report}) => [step, headline.value(report)] as const),
        ),
      ),
    ),
  });
  const plots = models.length === 0 ? {} : (family.plots?.(models, config) ?? {});
  return {
    table,
    summaries,
    files: {
      [join(out, 'compare.json')]: `${JSON.stringify({overSeeds: summaries, results, diverged}, null, 2)}\n`,
      [join(out, 'compare.md')]: `${markdownTable(table)}\n`,
      [join(out, 'compare.csv')]: csvOf(finished.map(({path, name}) => runRow(path, name))),
      [join(out, 'compare.svg')]: curves,
      ...Object.fromEntries(Object.entries(plots).map(([file, plot]) => [join(out, file), linePlot(plot)])),
    },
  };
}
