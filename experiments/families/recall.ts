// Recall tasks as workloads: samples drawn on the spot, scored by accuracy.

import type {TaskFamily} from '../../data/task.js';
import {comparisonPlot, comparisonTable} from '../../eval/compare.js';
import type {RecallReport} from '../../eval/recall.js';
import {evaluateRecall} from '../../eval/recall.js';
import {percent} from '../../eval/table.js';
import type {ModelConfig} from '../../models/config.js';
import {layerPlan} from '../../models/layer-plan.js';
import {taskWorkload} from '../../train/workload.js';
import type {Report, WorkloadFamily} from './family.js';
import {isLanguageReport} from './family.js';

/** Samples per evaluation batch: bounded, whatever the training batch is. */
export const EVAL_BATCH = 64;

/** Tokens that attention windows alone reach back through the stack; undefined where attention sees everything. */
export function windowReach(config: ModelConfig): number | undefined {
  const windows = layerPlan(config)
    .filter(({mixer}) => mixer.attention)
    .map(({mixer}) => mixer.window);
  return windows.length === 0 || windows.includes(0) ? undefined : config.layers * Math.max(...windows);
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
    examples: [...(family.examples ?? []), ['--model bmojo --out runs/first', 'train with the defaults']],
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
    curve: (title, lines) => {
      const held = lines.flatMap(({step, evaluated}) =>
        evaluated === undefined ? [] : [{step, report: recallOf(evaluated)}],
      );
      const beyond = held.filter(({report}) => (report.beyondReach?.queries ?? 0) > 0);
      return {
        title,
        xLabel: 'step',
        yLabel: 'accuracy',
        yRange: [0, 1],
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
    compare: (runs, config) => {
      const contestants = runs.map(({model, rate, result}) => ({
        model,
        rate,
        stateBytes: result.stateBytes,
        parameters: result.parameters,
        report: recallOf(result.report),
      }));
      return {
        table: comparisonTable(contestants, family.create(config.data).chance),
        plot: comparisonPlot(contestants, `${family.name}: accuracy against memory`),
      };
    },
  };
}
