// Models over several seeds: mean and spread, at the rate whose mean is best.

import type {Cell} from './table.js';

/** One finished run of a model. */
export interface SeededRun {
  readonly model: string;
  /** Other settings that differ between the models compared, by name. */
  readonly settings?: Readonly<Record<string, Cell>>;
  readonly rate: number;
  readonly seed: number;
  /** Accuracy, or loss in nats. */
  readonly value: number;
}

/** What the runs of one model at one rate came to. */
export interface SeedSummary {
  readonly model: string;
  readonly settings: Readonly<Record<string, Cell>>;
  readonly rate: number;
  readonly seeds: readonly number[];
  readonly mean: number;
  /** Standard deviation over seeds, n - 1 in the denominator; absent for a single seed. */
  readonly deviation?: number;
  readonly least: number;
  readonly most: number;
}

/** Mean and standard deviation, n - 1 in the denominator; of a single value without deviation. */
export function spreadOf(values: readonly number[]): {mean: number; deviation?: number} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return {mean};
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {mean, deviation: Math.sqrt(squares / (values.length - 1))};
}

function summaryOf(runs: readonly SeededRun[]): SeedSummary {
  const values = runs.map(({value}) => value);
  return {
    model: runs[0].model,
    settings: runs[0].settings ?? {},
    rate: runs[0].rate,
    seeds: runs.map(({seed}) => seed),
    ...spreadOf(values),
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/**
 * For each model and its settings, in order of first appearance, the rate with the best mean among those that most seeds
 * finished at: a rate at which some diverge is not the better one.
 */
export function seedSummaries(runs: readonly SeededRun[], better: 'larger' | 'smaller'): SeedSummary[] {
  const groups = new Map<string, SeededRun[]>();
  const keyOf = ({model, settings = {}}: Pick<SeededRun, 'model' | 'settings'>): string =>
    JSON.stringify([model, settings]);
  for (const run of runs) {
    const key = `${keyOf(run)} ${run.rate}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const best = new Map<string, SeedSummary>();
  for (const summary of [...groups.values()].map(summaryOf)) {
    const known = best.get(keyOf(summary));
    const isBetter =
      known === undefined ||
      summary.seeds.length > known.seeds.length ||
      (summary.seeds.length === known.seeds.length &&
        (better === 'larger' ? summary.mean > known.mean : summary.mean < known.mean));
    if (isBetter) best.set(keyOf(summary), summary);
  }
  return [...best.values()];
}

/** Headings and a cell's values of a summary's columns: the value alone where no model has several seeds. */
export function seedColumns(
  summaries: readonly SeedSummary[],
  what: string,
  words: (value: number) => string,
): {head: string[]; row: (summary: SeedSummary) => Cell[]} {
  if (summaries.every(({seeds}) => seeds.length === 1)) return {head: [what], row: ({mean}) => [words(mean)]};
  return {
    head: [`${what}, mean`, 'deviation', 'least', 'most', 'seeds'],
    row: ({mean, deviation, least, most, seeds}) => [
      words(mean),
      deviation === undefined ? '-' : words(deviation),
      words(least),
      words(most),
      seeds.join(' '),
    ],
  };
}
