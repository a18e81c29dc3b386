// MAD's score: the best run of each setting, the mean over a task's settings, the mean over tasks.

import type {MadTaskName} from '../data/mad/grid.js';
import type {BarPlot} from '../plot/bar-plot.js';
import type {RecallReport} from './recall.js';
import type {Cell} from './table.js';

/** A run of one model on one setting of a MAD task, with one learning rate and weight decay. */
export interface MadResult {
  readonly model: string;
  readonly task: MadTaskName;
  readonly setting: string;
  readonly rate: number;
  readonly weightDecay: number;
  readonly report: RecallReport;
}

/** What MAD says of a model: accuracy in [0, 1] for each task, and their mean. */
export interface MadScore {
  readonly model: string;
  readonly tasks: readonly {
    readonly task: MadTaskName;
    readonly settings: number;
    /** Mean over settings of the best run's accuracy per class: the published score. */
    readonly classAccuracy: number;
    /** The same of the plain share of right answers. */
    readonly accuracy: number;
  }[];
  /** Mean over tasks. */
  readonly classAccuracy: number;
  readonly accuracy: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** The run of largest accuracy per class for each setting. */
function bestRuns(results: readonly MadResult[]): MadResult[] {
  const best = new Map<string, MadResult>();
  for (const result of results) {
    const known = best.get(result.setting);
    if (known === undefined || result.report.classAccuracy > known.report.classAccuracy)
      best.set(result.setting, result);
  }
  return [...best.values()];
}

/**
 * Scores each model as MAD does, from all of its runs: the best run of each setting by accuracy per class,
 * the mean over a task's settings, the mean over tasks. Source: arXiv 2403.17844.
 */
export function madScores(results: readonly MadResult[]): MadScore[] {
  return [...new Set(results.map(({model}) => model))].map(model => {
    const own = results.filter(result => result.model === model);
    const tasks = [...new Set(own.map(({task}) => task))].map(task => {
      const best = bestRuns(own.filter(result => result.task === task));
      return {
        task,
        settings: best.length,
        classAccuracy: mean(best.map(({report}) => report.classAccuracy)),
        accuracy: mean(best.map(({report}) => report.accuracy)),
      };
    });
    return {
      model,
      tasks,
      classAccuracy: mean(tasks.map(task => task.classAccuracy)),
      accuracy: mean(tasks.map(task => task.accuracy)),
    };
  });
}

const percent = (share: number | undefined): string => (share === undefined ? '-' : (100 * share).toFixed(1));

function taskNames(scores: readonly MadScore[]): MadTaskName[] {
  return [...new Set(scores.flatMap(({tasks}) => tasks.map(({task}) => task)))];
}

/** Per cent: accuracy per class, and in brackets the plain share of right answers. */
export function madTable(scores: readonly MadScore[]): Cell[][] {
  const names = taskNames(scores);
  return [
    ['model', ...names.map(name => name.replace('mad-', '')), 'mean'],
    ...scores.map(({model, tasks, classAccuracy, accuracy}) => [
      model,
      ...names.map(name => {
        const found = tasks.find(({task}) => task === name);
        return `${percent(found?.classAccuracy)} (${percent(found?.accuracy)})`;
      }),
      `${percent(classAccuracy)} (${percent(accuracy)})`,
    ]),
  ];
}

export function madPlot(scores: readonly MadScore[]): BarPlot {
  const names = taskNames(scores);
  return {
    title: 'MAD: accuracy per class, best run of each setting',
    yLabel: 'accuracy',
    yRange: [0, 1],
    groups: names.map(name => name.replace('mad-', '')),
    series: scores.map(({model, tasks}) => ({
      name: model,
      values: names.map(name => tasks.find(({task}) => task === name)?.classAccuracy ?? Number.NaN),
    })),
  };
}
