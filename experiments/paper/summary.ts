// From runs to rows: each kind and size of model at its best rate, over seeds, and how far one is ahead of another.

import {meanWithError} from '../../eval/mean-with-error.js';
import {spreadOf} from '../../eval/seeds.js';
import {isLanguageReport} from '../families/index.js';
import type {MeasuredRun} from './experiment.js';

/** What the runs of one model of one size in one panel came to, at the rate whose mean is best. */
export interface Summary {
  readonly panel: string;
  readonly model: string;
  readonly size: string;
  readonly rate: number;
  readonly runs: readonly MeasuredRun[];
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation over seeds; absent for a single one. */
  readonly deviation?: number;
}

/** A mean with its standard error, absent for a single value. */
export interface Margin {
  readonly mean: number;
  readonly error?: number;
  readonly pairs: number;
}

export type Better = 'larger' | 'smaller';

/** The headline of a run: accuracy of recall, loss of text. */
export function headline({result: {report}}: MeasuredRun): number {
  return isLanguageReport(report) ? report.loss : report.accuracy;
}

function groups(runs: readonly MeasuredRun[], key: (run: MeasuredRun) => string): MeasuredRun[][] {
  const found = new Map<string, MeasuredRun[]>();
  for (const run of runs) found.set(key(run), [...(found.get(key(run)) ?? []), run]);
  return [...found.values()];
}

function summaryOf(runs: readonly MeasuredRun[], value: (run: MeasuredRun) => number): Summary {
  const [{panel, model, size, config}] = runs;
  const values = runs.map(value);
  return {panel, model, size, rate: config.train.rate, runs, values, ...spreadOf(values)};
}

/**
 * A summary for each panel, model and size, in order of first appearance. Of several rates the best mean counts, among those
 * at which most seeds finished.
 */
export function summaries(
  runs: readonly MeasuredRun[],
  better: Better,
  value: (run: MeasuredRun) => number = headline,
): Summary[] {
  const sign = better === 'larger' ? -1 : 1;
  return groups(runs, ({panel, model, size}) => JSON.stringify([panel, model, size])).map(
    group =>
      groups(group, ({config}) => String(config.train.rate))
        .map(own => summaryOf(own, value))
        .sort((a, b) => b.values.length - a.values.length || sign * (a.mean - b.mean))[0],
  );
}

/** The runs of each panel, model and size at its best rate, in order of first appearance. */
export function atBestRate(runs: readonly MeasuredRun[], better: Better): MeasuredRun[] {
  return summaries(runs, better).flatMap(summary => summary.runs);
}

/** How much more `one` has than `other`, seed by seed: both saw the same samples. Undefined without a common seed. */
export function margin(one: Summary, other: Summary): Margin | undefined {
  const seedOf = (run: MeasuredRun): number => run.config.train.seed;
  const differences = one.runs.flatMap((run, i) => {
    const at = other.runs.findIndex(beside => seedOf(beside) === seedOf(run));
    return at < 0 ? [] : [one.values[i] - other.values[at]];
  });
  if (differences.length === 0) return undefined;
  return {...meanWithError(differences), pairs: differences.length};
}

/** `+0.012 ± 0.003 (3)`: mean, standard error, number of seeds. */
export function marginWords({mean, error, pairs}: Margin, digits: number, scale = 1): string {
  const signed = `${mean < 0 ? '−' : '+'}${Math.abs(scale * mean).toFixed(digits)}`;
  const spreadWords = error === undefined ? '' : ` ± ${(scale * error).toFixed(digits)}`;
  return `${signed}${spreadWords} (${pairs})`;
}

/** `0.912 ± 0.010`: mean and standard deviation. */
export function summaryWords({mean, deviation}: Summary, digits: number, scale = 1): string {
  return `${(scale * mean).toFixed(digits)}${deviation === undefined ? '' : ` ± ${(scale * deviation).toFixed(digits)}`}`;
}

/** The seeds that stand behind summaries, each once. */
export function seedsOf(runs: readonly MeasuredRun[]): number[] {
  return [...new Set(runs.map(({config}) => config.train.seed))].sort((a, b) => a - b);
}
