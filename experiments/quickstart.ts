// The quickstart: B'MOJO and a window-only model of the same size learn recall side by side, in minutes on two cores.

import {join} from 'node:path';
import {shellWord} from '../errors/shell-word.js';
import type {RecallReport} from '../eval/recall.js';
import {markdownTable, percent, textTable} from '../eval/table.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {linePlot} from '../plot/line-plot.js';
import {recallOf} from './families/recall.js';
import {evaluateRun, loadRunModel, taskOf, unseenSeed} from './run.js';
import type {RunConfig} from './run-config.js';
import {parseRunConfig} from './run-config.js';
import {RunFolder} from './run-folder.js';
import type {NamedEvent, NamedRun} from './run-set.js';
import {trainAll} from './run-set.js';

/** Updates of each model at most; recall is usually learned half-way. */
const STEPS = 2400;
const TEST_SAMPLES = 2000;

/**
 * Recall on plain filler, from two pairs in 16 tokens to eight pairs in 64: the short samples are learned first, and what
 * they teach carries over. Tested on eight pairs in 64 tokens alone. Trained on those alone, about half of the seeds were
 * still guessing among the stored values in the end.
 */
const TASK = 'mqar-mixture';
const data = {
  vocabSize: 64,
  parts: '16x2:1,32x4:1,64x8:2',
  testParts: '64x8',
  block: 64,
  filler: 'zero',
};
const model = {
  layers: 2,
  dModel: 32,
  heads: 2,
  window: 8,
  eideticSlots: 24,
  stateSize: 16,
  mlp: false,
  seed: 1,
};
const training = {
  batch: 64,
  rate: 1.5e-2,
  ssmRateFactor: 1,
  warmup: 0.05,
  weightDecay: 0.1,
  clip: 1,
  evalEvery: 300,
  evalSamples: 256,
  stopAccuracy: 0.985,
};

export interface QuickstartRow {
  readonly name: string;
  readonly parameters: number;
  readonly stateBytes: number;
  readonly report: RecallReport;
}

export interface QuickstartOptions {
  readonly out: string;
  readonly backend: string;
  /** Updates of each model. Default 2,400, fewer where recall is learned before. */
  readonly steps?: number;
  readonly jobs: number;
  readonly signal?: AbortSignal;
}

/**
 * The two runs. The window-only model shares data, layers, heads and window; it is wider, so that it has no fewer parameters
 * than B'MOJO has.
 */
export function quickstartRuns({out, backend, steps = STEPS}: QuickstartOptions): NamedRun[] {
  const make = (name: string, preset: string, own: object): NamedRun => {
    const given = {backend, data, model: {...model, preset, ...own}, train: {...training, steps}};
    const config: RunConfig = parseRunConfig(TASK, given);
    return {name, path: join(out, name), config};
  };
  return [make('bmojo', 'bmojo', {}), make('window-only', 'swa', {dModel: 60, eideticSlots: 0})];
}

/** Trains both, yielding their events; finished runs in the folder are kept, interrupted ones continued. */
export async function* trainQuickstart(options: QuickstartOptions): AsyncGenerator<NamedEvent, void, void> {
  yield* trainAll(quickstartRuns(options), {...options, command: 'bmojo quickstart'});
}

/** The command that scores the model on the task it was tested on, for people to vary. */
export function evaluationCommand(out: string): string {
  return `npx bmojo eval ${TASK} --test-parts ${data.testParts} --checkpoint ${shellWord(join(out, 'bmojo'))}`;
}

/** Scores both on the same held-out samples and writes result.json, result.md and curve.svg. */
export async function reportQuickstart(
  options: QuickstartOptions,
): Promise<{rows: QuickstartRow[]; words: string}> {
  const rows: QuickstartRow[] = [];
  const runs = quickstartRuns(options);
  for (const {name, path} of runs) {
    const folder = RunFolder.open(path);
    const {model: trained} = await loadRunModel(folder, {weights: 'best'});
    const task = taskOf(folder.config);
    try {
      const report = await evaluateRun(trained, task, {
        seed: unseenSeed(folder.config.train.seed),
        samples: TEST_SAMPLES,
      });
      rows.push({
        name,
        parameters: trained.parameterCount(),
        stateBytes: trained.stateBytes(task.length),
        report,
      });
    } finally {
      trained.model.dispose();
    }
  }
  const {chance} = taskOf(runs[0].config);
  const table = [
    ['model', 'accuracy', 'farther back than all windows reach', 'chance', 'parameters', 'state bytes'],
    ...rows.map(({name, parameters, stateBytes, report}) => [
      name,
      percent(report.accuracy),
      percent(report.beyondReach?.accuracy ?? 0),
      percent(chance),
      parameters,
      stateBytes,
    ]),
  ];
  const curves = runs.flatMap(({name, path}) =>
    RunFolder.open(path)
      .evaluations()
      .map(({step, report}) => ({name, step, report: recallOf(report)})),
  );
  const svg = linePlot({
    title: "recall of held-out pairs: B'MOJO beside a window-only model",
    xLabel: 'step',
    yLabel: 'accuracy',
    yRange: [0, 1],
    markers: true,
    series: runs.flatMap(({name}) => {
      const own = curves.filter(curve => curve.name === name);
      return [
        {name: `${name}, all queries`, points: own.map(({step, report}) => [step, report.accuracy] as const)},
        {
          name: `${name}, beyond the windows`,
          points: own.map(({step, report}) => [step, report.beyondReach?.accuracy ?? 0] as const),
        },
      ];
    }),
  });
  writeFileAtomic(join(options.out, 'curve.svg'), svg);
  writeFileAtomic(join(options.out, 'result.json'), `${JSON.stringify({chance, rows}, null, 2)}\n`);
  writeFileAtomic(join(options.out, 'result.md'), `${markdownTable(table)}\n`);
  return {rows, words: textTable(table)};
}
