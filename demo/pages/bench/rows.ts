// Timings as the rows of a table, on the page and as Markdown.

import {markdownTable} from '../../../eval/table.js';
import type {BenchEvent} from '../../worker/bench.js';
import type {Device} from '../../worker/device.js';

const head = ['what', 'sizes', 'form', 'forward, ms', 'x kernel', 'with gradient, ms', 'x kernel '] as const;

export interface BenchRows {
  readonly device?: Device;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The table with the device's name, for pasting. */
  readonly markdown: string;
}

interface Timed {
  readonly what: string;
  readonly sizes: string;
  readonly form: string;
  readonly forwardMs?: number;
  readonly totalMs?: number;
}

/** A training step is forward and gradient together, a decoded token forward alone. */
function timed(event: BenchEvent): Timed[] {
  if (event.type === 'device') return [];
  if (event.type === 'operator') {
    const {op: what, case: sizes, form, forwardMs, totalMs} = event.timing;
    return [{what, sizes, form, forwardMs, totalMs}];
  }
  const {work: what, case: sizes, form, medianMs} = event.timing;
  return [{what, sizes, form, ...(what === 'training step' ? {totalMs: medianMs} : {forwardMs: medianMs})}];
}

/** `x kernel`: how many times as long as our kernel of the same sizes. */
export function benchRows(events: readonly BenchEvent[]): BenchRows {
  const device = events.flatMap(event => (event.type === 'device' ? [event.device] : [])).at(-1);
  const timings = events.flatMap(timed);
  const rows = timings.map(({what, sizes, form, forwardMs, totalMs}) => {
    const kernel = timings.find(one => one.what === what && one.sizes === sizes && one.form === 'kernel');
    const times = (ms?: number, base?: number): string =>
      form === 'kernel' || ms === undefined || base === undefined ? '' : (ms / base).toFixed(1);
    return [
      what,
      sizes,
      form,
      forwardMs?.toFixed(3) ?? '',
      times(forwardMs, kernel?.forwardMs),
      totalMs?.toFixed(3) ?? '',
      times(totalMs, kernel?.totalMs),
    ];
  });
  const title = device === undefined ? '' : `${device.name} (${device.backend})\n\n`;
  return {
    device,
    head,
    rows,
    markdown: rows.length === 0 ? '' : `${title}${markdownTable([head, ...rows])}\n`,
  };
}
