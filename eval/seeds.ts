// Models over several seeds: mean and spread, at the rate whose mean is best.

import type {Cell} from './table.js';

/** One finished run of a model. */
export interface SeededRun {
  readonly model: string;
  readonly rate: number;
  readonly seed: number;
  /** Accuracy, or loss in nats. */
  readonly value: number;
}

/** What the runs of one model at one rate came to. */
export interface SeedSummary {
  readonly model: string;
  readonly rate: number;
  readonly seeds: readonly number[];
  readonly mean: number;
  /** Standard deviation over seeds, n - 1 in the denominator; absent for a single seed. */
  readonly deviation?: number;
  readonly least: number;
  readonly most: number;
}

function summaryOf(runs: readonly SeededRun[]): SeedSummary {
  const values = runs.map(({value}) => value);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    model: runs[0].model,
    rate: runs[0].rate,
    seeds: runs.map(({seed}) => seed),
    mean,
    ...(values.length > 1 ? {deviation: Math.sqrt(squares / (values.length - 1))} : {}),
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/**
 * For each model, in order of first appearance, the rate with the best mean among those that most seeds finished at: a rate
 * at which some diverge is not the better one.
 */
export function seedSummaries(runs: readonly SeededRun[], better: 'larger' | 'smaller'): SeedSummary[] {
  const groups = new Map<string, SeededRun[]>();
  for (const run of runs) {
    const key = `${run.model} ${run.rate}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const best = new Map<string, SeedSummary>();
  for (const summary of [...groups.values()].map(summaryOf)) {
    const known = best.get(summary.model);
    const isBetter =
      known === undefined ||
      summary.seeds.length > known.seeds.length ||
      (summary.seeds.length === known.seeds.length &&
        (better === 'larger' ? summary.mean > known.mean : summary.mean < known.mean));
    if (isBetter) best.set(summary.model, summary);
  }
  return [...best.values()];
}

/** Rows for `textTable`; `words` writes a value, `what` names it. */
export function seedTable(
  summaries: readonly SeedSummary[],
  what: string,
  words: (value: number) => string,
): Cell[][] {
  return [
    ['model', `${what}, mean`, 'deviation', 'least', 'most', 'seeds', 'best rate'],
    ...summaries.map(({model, mean, deviation, least, most, seeds, rate}) => [
      model,
      words(mean),
      deviation === undefined ? '-' : words(deviation),
      words(least),
      words(most),
      seeds.join(' '),
      rate,
    ]),
  ];
}
