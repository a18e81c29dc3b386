// Counts on a logarithmic axis that begin with none: it has no place there, and is drawn half as far as the smallest other one.

import type {LinePlot} from './line-plot.js';

/** The plot over a logarithmic axis of x, where points at 0 stand in front of all others under the word 0. */
export function withOrigin(plot: Omit<LinePlot, 'xScale'>): LinePlot {
  const all = plot.series.flatMap(({points}) => points.map(([x]) => x));
  const least = all.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), Infinity);
  if (!all.includes(0)) return {...plot, xScale: 'log'};
  const origin = Number.isFinite(least) ? least / 2 : 1;
  return {
    ...plot,
    xScale: 'log',
    xNames: [...(plot.xNames ?? []), [origin, '0']],
    series: plot.series.map(one => ({
      ...one,
      points: one.points.map(([x, y]) => [x === 0 ? origin : x, y] as const),
    })),
  };
}
