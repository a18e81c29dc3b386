// Table 3: the synthetic tasks of recall, copying and induction, at two sizes.

import type {ModelConfig} from '../../models/config.js';
import {barPlot} from '../../plot/bar-plot.js';
import {contestant, contestantNames} from './contestants.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import {margin, marginWords, summaries, summaryWords} from './summary.js';

interface Scale {
  readonly tasks: Readonly<Record<string, {readonly data: object; readonly train: object}>>;
  readonly sizes: Readonly<Record<string, Partial<ModelConfig>>>;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

const training = {steps: 4000, batch: 64, evalEvery: 250, evalSamples: 1280, stopAccuracy: 0.995};

/** Tasks by the paper's names. MAD's own definitions where MAD has the task. */
const full: Scale = {
  tasks: {
    'selective-copying': {data: {}, train: training},
    'induction-heads': {data: {}, train: training},
    'mad-noisy-recall': {data: {}, train: training},
    'mad-fuzzy-recall': {data: {}, train: training},
  },
  sizes: {
    small: {layers: 2, dModel: 128, heads: 4, window: 32, eideticSlots: 32, mlp: false},
    large: {layers: 4, dModel: 256, heads: 4, window: 32, eideticSlots: 32, mlp: false},
  },
  rates: [1e-3, 3e-3],
  seeds: [1, 2, 3],
};

const quickTraining = {steps: 40, batch: 16, evalEvery: 20, evalSamples: 32, checkpointEvery: 40};

const quick: Scale = {
  tasks: {
    'selective-copying': {data: {length: 32, tokens: 4, vocabSize: 8}, train: quickTraining},
    'induction-heads': {data: {length: 32, vocabSize: 8}, train: quickTraining},
    'mad-noisy-recall': {data: {length: 32, trainExamples: 640}, train: quickTraining},
    'mad-fuzzy-recall': {data: {length: 48, trainExamples: 640}, train: quickTraining},
  },
  sizes: {small: {layers: 2, dModel: 16, heads: 2, window: 8, eideticSlots: 8, mlp: false}},
  rates: [5e-3],
  seeds: [1],
};

function points({tasks, sizes}: Scale): GridPoint[] {
  return Object.entries(tasks).flatMap(([task, {data, train}]) =>
    Object.entries(sizes).flatMap(([size, shared]) =>
      contestantNames.map(name => ({
        panel: task,
        model: name,
        size,
        task,
        data,
        settings: contestant(name, shared),
        train,
      })),
    ),
  );
}

/** MAD counts by class, the other tasks by question. */
function accuracy({panel, result: {report}}: MeasuredRun): number {
  if (!('classAccuracy' in report)) throw new Error(`${panel}: a report of recall was expected`);
  return panel.startsWith('mad-') ? report.classAccuracy : report.accuracy;
}

function report(runs: readonly MeasuredRun[]): PaperReport {
  const all = summaries(runs, 'larger', accuracy);
  const tasks = [...new Set(all.map(({panel}) => panel))];
  const sizes = [...new Set(all.map(({size}) => size))];
  const models = contestantNames.filter(name => all.some(({model}) => model === name));
  const find = (task: string, name: string, size: string) =>
    all.find(one => one.panel === task && one.model === name && one.size === size);
  const rows = sizes.flatMap(size =>
    models.map(name => [
      size,
      name,
      ...tasks.map(task => {
        const found = find(task, name, size);
        return found === undefined ? '-' : summaryWords(found, 1, 100);
      }),
    ]),
  );
  const margins = sizes.flatMap(size =>
    models.flatMap(name => {
      const cells = tasks.map(task => {
        const [own, other] = [find(task, 'bmojo', size), find(task, name, size)];
        const ahead = own && other && margin(own, other);
        return ahead === undefined ? '-' : marginWords(ahead, 1, 100);
      });
      return name === 'bmojo' ? [] : [[size, name, ...cells]];
    }),
  );
  const [first] = sizes;
  return {
    finding: margins
      .filter(([size]) => size === first)
      .map(
        ([, name, ...cells]) =>
          `B'MOJO beside ${name}: ${cells.map((cell, i) => `${tasks[i]} ${cell}`).join(', ')}`,
      )
      .join('; ')
      .concat('.'),
    tables: [
      {
        caption: 'Accuracy in per cent, mean and standard deviation over seeds, at the best rate',
        rows: [['size', 'model', ...tasks], ...rows],
      },
      {
        caption: "How far B'MOJO is ahead: points, mean and standard error (seeds)",
        rows: [['size', 'of', ...tasks], ...margins],
      },
    ],
    figures: Object.fromEntries(
      all
        .filter(({model}) => model === 'bmojo')
        .map(summary => [`bmojo.${summary.panel}.${summary.size}`, `${(100 * summary.mean).toFixed(1)} %`]),
    ),
    notes: [
      'A training ends early where 99.5 % of the held-out answers are right; the rate is chosen by the same answers. The tasks of MAD count by class, as MAD does; the others by question.',
    ],
    plot: barPlot({
      title: `accuracy by task, ${first}`,
      yLabel: 'accuracy',
      yRange: [0, 1],
      groups: tasks,
      series: models.map(name => ({
        name,
        values: tasks.map(task => find(task, name, first)?.mean ?? Number.NaN),
      })),
    }),
  };
}

export const table3: PaperExperiment = {
  name: 'table-3',
  title: 'Table 3 of the paper: synthetic tasks at two sizes',
  section: 'Recall',
  claim:
    "On selective copying, induction heads, noisy and fuzzy recall B'MOJO is the best or among the best of the models, at both sizes.",
  models: contestantNames,
  panels: Object.keys(full.tasks),
  sizes: Object.keys(full.sizes),
  needsText: false,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(points(scale), options, scale);
  },
  report,
};
