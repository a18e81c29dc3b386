// Models side by side: accuracy against memory, and what was held out along the training.

import type {LinePlot, Series} from '../plot/line-plot.js';
import {spreadOf} from './seeds.js';
import {percent} from './table.js';

/** One trained model in a comparison: its name, the bytes that it remembers in, and what share it recalls. */
export interface Contestant {
  readonly name: string;
  readonly stateBytes: number;
  readonly accuracy: number;
  /** Standard deviation of the accuracy over seeds, where there are several. */
  readonly deviation?: number;
}

/** A plot of accuracy against bytes of state, one dot for each model, beside `chance`, the accuracy of guessing. */
export function comparisonPlot(
  contestants: readonly Contestant[],
  {title, chance}: {title: string; chance: number},
): LinePlot {
  return {
    title,
    xLabel: 'bytes of state per sequence',
    yLabel: 'accuracy',
    xScale: 'log',
    yRange: [0, 1],
    markers: true,
    levels: [{y: chance, words: `chance ${percent(chance)}`}],
    series: contestants.map(({name, stateBytes, accuracy, deviation}) => ({
      name,
      points: [[stateBytes, accuracy] as const],
      errors: [deviation],
    })),
  };
}

/**
 * One curve of several seeds' evaluations (step, value): the mean at each step that all of them have, with the standard
 * deviation as error.
 */
export function meanCurve(name: string, seeds: readonly (readonly (readonly [number, number])[])[]): Series {
  const bySeed = seeds.map(points => new Map(points));
  const steps = [...(bySeed[0]?.keys() ?? [])].filter(step => bySeed.every(own => own.has(step)));
  const spreads = steps.map(step => spreadOf(bySeed.map(own => own.get(step) ?? Number.NaN)));
  return {
    name,
    points: steps.map((step, i) => [step, spreads[i].mean] as const),
    errors: spreads.map(({deviation}) => deviation),
  };
}
