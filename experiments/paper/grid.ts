// Runs of a grid: every panel with every model and size, at every rate and seed.

import type {ModelConfig} from '../../models/config.js';
import {parseRunConfig} from '../run-config.js';
import {chosen} from './contestants.js';
import type {PaperOptions, PlannedRun} from './experiment.js';

/** What all rates and seeds of a point share. */
export interface GridPoint {
  readonly panel: string;
  readonly model: string;
  readonly size: string;
  readonly task: string;
  readonly data: object;
  readonly settings: Partial<ModelConfig>;
  readonly train: object;
}

const fileName = (words: string): string => words.replace(/[^\w.-]+/g, '-');

/**
 * The runs of the points that the user wants, each at the rates and seeds of the experiment or the user's.
 * Errors: SettingError of any of them.
 */
export function gridRuns(
  points: readonly GridPoint[],
  options: PaperOptions,
  defaults: {readonly rates: readonly number[]; readonly seeds: readonly number[]},
): PlannedRun[] {
  const {backend, rates = defaults.rates, seeds = defaults.seeds} = options;
  return points
    .filter(
      ({panel, model, size}) =>
        chosen([panel], options.panels).length > 0 &&
        chosen([model], options.models).length > 0 &&
        chosen([size], options.sizes).length > 0,
    )
    .flatMap(({panel, model, size, task, data, settings, train}) =>
      rates.flatMap(rate =>
        seeds.map(seed => ({
          name: fileName([panel, model, size, rate, `seed${seed}`].join('_')),
          panel,
          model,
          size,
          config: parseRunConfig(task, {backend, data, model: settings, train: {...train, rate, seed}}),
        })),
      ),
    );
}
