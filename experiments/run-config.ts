// Everything that decides a run, complete and checked: what config.json holds.

import type {Schema, Settings} from '../config/schema.js';
import {choice, parseSettings, SettingError, said} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames} from '../custom-ops/index.js';
import {oneLine, shown} from '../errors/shown.js';
import {isRecord, parseJson} from '../formats/json-text.js';
import type {ModelConfig} from '../models/config.js';
import {parseModelConfig} from '../models/config.js';
import {mixersOf} from '../models/layer-plan.js';
import {withParameters} from '../models/parameters.js';
import type {TrainSettings} from '../train/settings.js';
import {parseTrainSettings} from '../train/settings.js';
import type {WorkloadFamily} from './families/index.js';
import {workloadFamily} from './families/index.js';

/** Everything that decides a run, complete and checked: what config.json holds. */
export interface RunConfig {
  /** Name of the task's family, or `lm`. */
  readonly task: string;
  /** Where tensors are computed. */
  readonly backend: BackendName;
  /** Settings of the task, by the family's schema. */
  readonly data: Settings<Schema>;
  /** Settings of the model. */
  readonly model: ModelConfig;
  /** Settings of the training. */
  readonly train: TrainSettings;
}

/** Settings as they come from a file or a command line: any part may be missing. */
export interface GivenRun {
  readonly backend?: unknown;
  readonly data?: object;
  readonly model?: object;
  /** Ids of the model where they may be more than those of the data, as in vocabularies that are padded. */
  readonly vocabSize?: number;
  /** Number of parameters that the width of the SwiGLU blocks is chosen for. */
  readonly parameters?: number;
  readonly train?: object;
}

const sections = ['task', 'backend', 'data', 'model', 'train'] as const;
const backendSchema = {backend: choice(backendNames, 'wasm', 'where tensors are computed')} as const;

/**
 * Completes and checks a run of a task. The task's data give the model its vocabulary and its backbone.
 * Errors: SettingError naming the section and setting; what the task's data give cause to.
 */
export function parseRunConfig(task: string, given: GivenRun): RunConfig {
  const family = workloadFamily(task);
  const data = family.completeData(parseSettings(task, family.schema, given.data ?? {}));
  return completeRun(family, data, family.vocabSize(data), given);
}

/**
 * As {@link parseRunConfig}, of data that are complete and have so many ids, whether there are such or not.
 * Errors: SettingError naming the section and setting.
 */
export function completeRun(
  family: WorkloadFamily,
  data: Settings<Schema>,
  ids: number,
  given: GivenRun,
): RunConfig {
  const {trainDefaults, modelDefaults} = family;
  const vocabSize = Math.max(ids, given.vocabSize ?? 0);
  const backbone = family.backbone?.(data) ?? 'causal';
  const train = parseTrainSettings({...trainDefaults, ...present(given.train)});
  // One seed, as shown: that of the training, unless the model's section names its own.
  const seed = {seed: train.seed};
  const model = parseModelConfig({...modelDefaults, ...seed, ...present(given.model), vocabSize, backbone});
  checkNegatives(model, train);
  return {
    task: family.name,
    backend: parseBackend(given),
    data,
    model: given.parameters === undefined ? model : withParameters(model, given.parameters),
    train,
  };
}

/** Errors: SettingError where a batch that is computed at once has fewer other sequences than are to be searched. */
function checkNegatives(model: ModelConfig, {batch, accumulate}: TrainSettings): void {
  const wanted = Math.max(
    ...mixersOf(model).map(({storage, storageNegatives}) => (storage > 0 ? storageNegatives : 0)),
  );
  if (wanted >= batch / accumulate)
    throw new SettingError(
      'model',
      said`{storageNegatives} must be below the ${batch / accumulate} sequences that are computed at once ({batch} / {accumulate}), got ${wanted}`,
    );
}

/**
 * Checks the complete configuration of a run that exists, without looking at its data.
 * Errors: SettingError naming the section and setting.
 */
export function parseStoredConfig(task: string, given: GivenRun): RunConfig {
  return {
    task,
    backend: parseBackend(given),
    data: parseSettings(task, workloadFamily(task).schema, given.data ?? {}),
    model: parseModelConfig(given.model ?? {}),
    train: parseTrainSettings(given.train ?? {}),
  };
}

/**
 * In which settings a run that exists differs from one that is wanted, in words. Compared is what config.json holds: words cut
 * long values short.
 */
export function differences(there: RunConfig, wanted: RunConfig): string[] {
  const flat = ({task, backend, ...parts}: RunConfig): Map<string, unknown> =>
    new Map(
      Object.entries({run: {task, backend}, ...parts}).flatMap(([section, settings]) =>
        Object.entries(settings).map(([key, value]) => [`${section} ${key}`, value] as const),
      ),
    );
  const [own, asked] = [flat(there), flat(wanted)];
  const words = (settings: Map<string, unknown>, key: string): string =>
    settings.has(key) ? shown(settings.get(key)) : 'not given';
  return [...new Set([...own.keys(), ...asked.keys()])]
    .filter(key => JSON.stringify(own.get(key)) !== JSON.stringify(asked.get(key)))
    .map(key => {
      const [is, should] = [words(own, key), words(asked, key)];
      return is === should ? `${key} is another there` : `${key} is ${is} there, ${should} here`;
    });
}

function parseBackend({backend}: GivenRun): BackendName {
  return parseSettings('run', backendSchema, backend === undefined ? {} : {backend}).backend;
}

/** Settings that are there; the rest is left to defaults. */
function present(given: object = {}): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Reads the text of a config file: an object with any of the sections task, backend, data, model, train. */
export function parseConfigText(where: string, text: string): GivenRun & {task?: string} {
  const value = parseJson(text, reason => {
    throw new SettingError(`${where}: ${reason}`);
  });
  // A run's own config.json ends with a digest.
  if (!isRecord(value)) return parseConfigJson(where, value);
  const {sha256, ...rest} = value;
  return parseConfigJson(where, rest);
}

/** As {@link parseConfigText}, the value of the JSON. */
export function parseConfigJson(where: string, value: unknown): GivenRun & {task?: string} {
  if (!isRecord(value))
    throw new SettingError(`${where}: must be an object with any of ${sections.join(', ')}`);
  for (const [key, section] of Object.entries(value)) {
    if (!sections.some(name => name === key))
      throw new SettingError(
        `${where}: unknown section '${oneLine(key.slice(0, 64))}'; known: ${sections.join(', ')}`,
      );
    const isText = key === 'task' || key === 'backend';
    if (isText ? typeof section !== 'string' : !isRecord(section))
      throw new SettingError(
        `${where}: ${key} must be ${isText ? 'text' : 'an object'}, got ${shown(section)}`,
      );
  }
  return value;
}
