// Which runs `bmojo compare TASK` makes: models, settings that vary, rates, seeds.

import {join} from 'node:path';
import type {Field, Schema} from '../config/schema.js';
import {optionName, SettingError} from '../config/schema.js';
import type {Cell} from '../eval/table.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {parseRunConfig} from '../experiments/run-config.js';
import type {NamedRun} from '../experiments/run-set.js';
import type {PresetName} from '../models/config.js';
import {modelSchema, presetNames, presets} from '../models/config.js';
import {trainSchema} from '../train/settings.js';
import {combinations, numberList, valueList, wordList} from './lists.js';
import {listOption} from './number-options.js';
import {givenRun} from './train.js';

type Args = Readonly<Record<string, unknown>>;

/** A run of a comparison with the settings that vary, by the names of their options. */
export interface PlannedRun extends NamedRun {
  readonly settings: Readonly<Record<string, Cell>>;
}

/** Settings that may be given as lists: numbers and words, and the pattern of layers; rates and seeds have options of their own. */
function varying(family: WorkloadFamily): [string, Field][] {
  const schemas: readonly Schema[] = [modelSchema, family.schema, trainSchema];
  return schemas
    .flatMap(schema => Object.entries(schema))
    .filter(
      ([key, field]) =>
        !['preset', 'rate', 'seed', 'backbone'].includes(key) &&
        (field.kind !== 'boolean' && field.kind !== 'text' ? true : key === 'pattern'),
    )
    .map(([key, field]) => [optionName(key), field]);
}

/** The options of a run with those that may be lists as such. */
export function withLists<
  O extends Readonly<Record<string, {readonly describe?: string; readonly group?: string}>>,
>(family: WorkloadFamily, options: O) {
  const fields = new Map(varying(family));
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const field = fields.get(name);
      return [
        name,
        field === undefined ? option : {...listOption(option.describe ?? '', field), group: option.group},
      ];
    }),
  );
}

/** The options with single values in their places, and those that have several. Errors: SettingError. */
function split(family: WorkloadFamily, argv: Args) {
  const fixed: Record<string, unknown> = {...argv};
  const lists = varying(family).flatMap(([name, field]) => {
    const typed = argv[name];
    if (typeof typed !== 'string') return [];
    const values = valueList(name, field, typed);
    [fixed[name]] = values;
    return values.length > 1 ? [{key: name, values}] : [];
  });
  return {fixed, lists};
}

/** Seeds of `--seeds`; undefined for the one of `--seed`. Errors: SettingError. */
export function seedsOf({seeds, seed}: Args): number[] | undefined {
  if (seeds === undefined) return undefined;
  if (seed !== undefined) throw new SettingError('--seeds and --seed exclude each other');
  return numberList('seeds', String(seeds));
}

/** The folder's name: what tells a run from the others. */
function nameOf(
  preset: string,
  rate: number,
  settings: Readonly<Record<string, Cell>>,
  seed?: number,
): string {
  const varied = Object.entries(settings).map(([name, value]) => `-${name}${value}`);
  return `${preset}-${rate}${varied.join('')}${seed === undefined ? '' : `-seed${seed}`}`;
}

/**
 * One run for each model, combination of settings, rate and seed. Shared model settings give way to what a preset is: a window
 * model has no slots, so that lists of slots make one run of it. Errors: SettingError.
 */
export function planComparison(
  family: WorkloadFamily,
  argv: Args,
  {backend, out}: {backend: unknown; out: string},
): PlannedRun[] {
  const {fixed, lists} = split(family, argv);
  const rates = numberList('rates', String(argv.rates ?? family.rates));
  const seeds = seedsOf(argv) ?? [undefined];
  const made = (
    preset: PresetName,
    rate: number,
    seed: number | undefined,
    settings: Record<string, Cell>,
  ) => {
    const own = {...fixed, ...settings, model: preset, ...(seed === undefined ? {} : {seed})};
    const given = givenRun(family, own);
    const model = {...given.model, ...presets[preset], preset};
    const name = nameOf(preset, rate, settings, seed);
    const config = parseRunConfig(family.name, {...given, backend, model, train: {...given.train, rate}});
    return {name, path: join(out, name), config, settings};
  };
  const known = new Set<string>();
  return wordList('models', String(argv.models), presetNames).flatMap(preset =>
    combinations(lists).flatMap(combination => {
      const settings = Object.fromEntries(
        Object.entries(combination).map(([name, value]): [string, Cell] => [
          name,
          typeof value === 'boolean' ? String(value) : value,
        ]),
      );
      return rates.flatMap(rate =>
        seeds.flatMap(seed => {
          const run = made(preset, rate, seed, settings);
          const key = JSON.stringify(run.config);
          if (known.has(key)) return [];
          known.add(key);
          return [run];
        }),
      );
    }),
  );
}
