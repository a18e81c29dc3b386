// Everything that decides a run, complete and checked: what config.json holds.

import type {Schema, Settings} from '../config/schema.js';
import {choice, parseSettings, SettingError} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames} from '../custom-ops/index.js';
import {taskFamily} from '../data/families.js';
import type {ModelConfig} from '../models/config.js';
import {parseModelConfig} from '../models/config.js';
import type {TrainSettings} from './settings.js';
import {parseTrainSettings} from './settings.js';

export interface RunConfig {
  readonly task: string;
  readonly backend: BackendName;
  readonly data: Settings<Schema>;
  readonly model: ModelConfig;
  readonly train: TrainSettings;
}

/** Settings as they come from a file or a command line: any part may be missing. */
export interface GivenRun {
  readonly backend?: unknown;
  readonly data?: object;
  readonly model?: object;
  readonly train?: object;
}

const sections = ['task', 'backend', 'data', 'model', 'train'] as const;
const backendSchema = {backend: choice(backendNames, 'wasm', 'where tensors are computed')} as const;

/**
 * Completes and checks a run of a task. The task gives the model its vocabulary.
 * Errors: SettingError naming the section and setting.
 */
export function parseRunConfig(task: string, given: GivenRun): RunConfig {
  const family = taskFamily(task);
  const data = parseSettings(task, family.schema, given.data ?? {});
  const {vocabSize} = family.create(data);
  const train = parseTrainSettings(given.train ?? {});
  const model = parseModelConfig({...given.model, vocabSize});
  const {backend} = parseSettings(
    'run',
    backendSchema,
    given.backend === undefined ? {} : {backend: given.backend},
  );
  return {task, backend, data, model, train};
}

/** Reads the text of a config file: an object with any of the sections task, backend, data, model, train. */
export function parseConfigText(where: string, text: string): GivenRun & {task?: string} {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SettingError(
      `${where}: must be JSON; ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SettingError(`${where}: must be an object with any of ${sections.join(', ')}`);
  }
  for (const [key, section] of Object.entries(value)) {
    if (!sections.some(name => name === key))
      throw new SettingError(`${where}: unknown section '${key}'; known: ${sections.join(', ')}`);
    const isText = key === 'task' || key === 'backend';
    if (isText ? typeof section !== 'string' : typeof section !== 'object' || section === null)
      throw new SettingError(
        `${where}: ${key} must be ${isText ? 'text' : 'an object'}, got ${JSON.stringify(section)}`,
      );
  }
  return value;
}
