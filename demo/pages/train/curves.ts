// The curves of one or more trainings in the tab.

import type {LinePlot, Series} from '../../../plot/line-plot.js';
import type {KeptEvent} from '../../worker/train.js';

export interface NamedRun {
  readonly name: string;
  readonly events: readonly KeptEvent[];
}

type Number = 'loss' | 'accuracy';

function series({name, events}: NamedRun, of: Number, alone: boolean): Series[] {
  const training: [number, number][] = [];
  const held: [number, number][] = [];
  for (const kept of events) {
    if (kept.type !== 'training') continue;
    const {event} = kept;
    if (event.type === 'step') training.push([event.step, event[of]]);
    if (event.type === 'evaluated') held.push([event.step, event.report[of]]);
  }
  const prefix = alone ? '' : `${name}: `;
  return [
    ...(alone ? [{name: 'training batches', points: training}] : []),
    {name: `${prefix}held out`, points: held},
  ].filter(({points}) => points.length > 0);
}

/** Undefined while there is nothing to draw. */
export function curve(runs: readonly NamedRun[], of: Number): LinePlot | undefined {
  const all = runs.flatMap(run => series(run, of, runs.length === 1));
  if (all.length === 0) return undefined;
  return {
    title: of === 'loss' ? 'loss, nats' : 'share of right answers',
    xLabel: 'step',
    yLabel: of,
    ...(of === 'accuracy' ? {yRange: [0, 1] as const} : {}),
    series: all,
  };
}
