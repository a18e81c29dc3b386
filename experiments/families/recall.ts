// Recall tasks as workloads: samples drawn on the spot, scored by accuracy.

import type {TaskFamily} from '../../data/task.js';
import {comparisonPlot} from '../../eval/compare.js';
import type {RecallReport} from '../../eval/recall.js';
import {evaluateRecall} from '../../eval/recall.js';
import {spreadOf} from '../../eval/seeds.js';
import {percent} from '../../eval/table.js';
import type {ModelConfig} from '../../models/config.js';
import {mixersOf} from '../../models/layer-plan.js';
import {taskWorkload} from '../../train/workload.js';
import type {Report, WorkloadFamily} from './family.js';
import {isLanguageReport} from './family.js';

/** Samples per evaluation batch: bounded, whatever the training batch is. */
export const EVAL_BATCH = 64;

/** Tokens that attention windows alone reach back, one on top of the other; undefined where attention sees everything. */
export function windowReach(config: ModelConfig): number | undefined {
  const windows = mixersOf(config)
    .filter(({attention}) => attention)
    .map(({window}) => window);
  return windows.length === 0 || windows.includes(0)
    ? undefined
    : windows.reduce((sum, window) => sum + window, 0);
}

/** Errors: Error for the report of another workload. */
export function recallOf(report: Report): RecallReport {
  if (isLanguageReport(report)) throw new Error('a report of recall was expected, got one of language');
  return report;
}

export function recallFamily(family: TaskFamily): WorkloadFamily {
  return {
    name: family.name,
    summary: family.summary,
    schema: family.schema,
    modelDefaults: family.modelDefaults ?? {},
    trainDefaults: family.trainDefaults ?? {},
    rates: '2e-3,5e-3,1e-2',
    examples: family.examples ?? [],
    completeData: data => data,
    vocabSize: data => family.create(data).vocabSize,
    backbone: data => family.create(data).backbone,
    open: config => {
      const task = family.create(config.data);
      const {seed, evalSamples: samples} = config.train;
      return {
        workload: taskWorkload(task),
        evaluate: model =>
          evaluateRecall(model, task, {seed, samples, batch: EVAL_BATCH, reach: windowReach(model.config)}),
        sample:
          task.backbone === 'autoencoder' ? undefined : task.sample({seed, split: 'test', index: 0}).inputs,
        stateLength: task.length,
        close: () => {},
      };
    },
    advice: (report, config) => {
      const task = family.create(config.data);
      const guess = task.guess ?? task.chance;
      if (guess >= 0.9 || report.accuracy > guess + 0.3 * Math.min(guess, 1 - guess)) return undefined;
      const what = task.guess === undefined ? 'at random' : 'among the values that a sample holds';
      return (
        `the model still guesses ${what}: ${percent(report.accuracy)} right, guessing gives ${percent(guess)}. Recall comes in a ` +
        `sudden transition that this run has not reached. What helps: more steps (--resume --steps ${2 * config.train.steps}), ` +
        'another --rate or --seed, --ssm-output projected, fewer or shorter samples first (bmojo train mqar-mixture, then --init-from)'
      );
    },
    score: report => -report.accuracy,
    curve: (title, lines, {data}) => {
      const task = family.create(data);
      const guess = task.guess ?? task.chance;
      const held = lines.flatMap(({step, evaluated}) =>
        evaluated === undefined ? [] : [{step, report: recallOf(evaluated)}],
      );
      const beyond = held.filter(({report}) => (report.beyondReach?.queries ?? 0) > 0);
      return {
        title,
        xLabel: 'step',
        yLabel: 'accuracy',
        yRange: [0, 1],
        levels: [{y: guess, words: `guessing ${percent(guess)}`}],
        series: [
          {
            name: 'training batches',
            points: lines.flatMap(({step, accuracy}) =>
              accuracy === undefined ? [] : [[step, accuracy] as const],
            ),
          },
          {name: 'held out', points: held.map(({step, report}) => [step, report.accuracy] as const)},
          {
            name: 'held out, farther back than all windows reach',
            points: beyond.map(({step, report}) => [step, report.beyondReach?.accuracy ?? 0] as const),
          },
        ].filter(series => series.points.length > 0),
      };
    },
    headline: {
      name: 'accuracy',
      better: 'larger',
      value: ({accuracy}) => accuracy,
      words: percent,
    },
    columns: ['beyond windows', 'chance', 'state bytes', 'parameters'],
    cells: ({runs}, config) => {
      const beyond = runs.flatMap(({result}) => recallOf(result.report).beyondReach ?? []);
      const asked = beyond.filter(({queries}) => queries > 0);
      const [{result}] = runs;
      return [
        asked.length === 0 ? '-' : percent(spreadOf(asked.map(({accuracy}) => accuracy)).mean),
        percent(family.create(config.data).chance),
        result.stateBytes,
        result.parameters,
      ];
    },
    plots: (models, config) => ({
      'memory.svg': comparisonPlot(
        models.map(({name, runs}) => {
          const {mean, deviation} = spreadOf(runs.map(({result}) => result.report.accuracy));
          return {name, stateBytes: runs[0].result.stateBytes, accuracy: mean, deviation};
        }),
        {title: `${family.name}: accuracy against memory`, chance: family.create(config.data).chance},
      ),
    }),
  };
}
