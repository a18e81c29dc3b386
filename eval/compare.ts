// Models side by side: the best rate of each, as table rows and as accuracy against memory.

import type {LinePlot} from '../plot/line-plot.js';
import type {RecallReport} from './recall.js';
import type {Cell} from './table.js';

/** One trained model in a comparison: its name, peak learning rate, size, and what it recalls. */
export interface Contestant {
  readonly model: string;
  readonly rate: number;
  readonly stateBytes: number;
  readonly parameters: number;
  readonly report: RecallReport;
}

const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** The most accurate run of each model, in order of their first appearance. */
export function bestOfEach(runs: readonly Contestant[]): Contestant[] {
  const best = new Map<string, Contestant>();
  for (const run of runs) {
    const known = best.get(run.model);
    if (known === undefined || run.report.accuracy > known.report.accuracy) best.set(run.model, run);
  }
  return [...best.values()];
}

/** Rows for `textTable`: every model with its best rate, beside `chance`, the accuracy of guessing. */
export function comparisonTable(runs: readonly Contestant[], chance: number): Cell[][] {
  const rows = bestOfEach(runs).map(({model, rate, stateBytes, parameters, report}) => [
    model,
    share(report.accuracy),
    report.beyondReach === undefined || report.beyondReach.queries === 0
      ? '-'
      : share(report.beyondReach.accuracy),
    share(chance),
    stateBytes,
    parameters,
    rate,
  ]);
  return [
    ['model', 'accuracy', 'beyond windows', 'chance', 'state bytes', 'parameters', 'best rate'],
    ...rows.map(row => row.map(cell => cell)),
  ];
}

/** A plot of accuracy against bytes of state, one dot for the best run of each model. */
export function comparisonPlot(runs: readonly Contestant[], title: string): LinePlot {
  return {
    title,
    xLabel: 'bytes of state per sequence',
    yLabel: 'accuracy',
    xScale: 'log',
    yRange: [0, 1],
    markers: true,
    series: bestOfEach(runs).map(({model, stateBytes, report}) => ({
      name: model,
      points: [[stateBytes, report.accuracy] as const],
    })),
  };
}
