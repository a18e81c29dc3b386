// `bmojo train TASK --resume`: which settings may change when a run goes on, and what that changes.

import {resolve} from 'node:path';
import {optionName, SettingError} from '../config/schema.js';
import {BackendError, useBackend} from '../custom-ops/index.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {checkRun} from '../experiments/run.js';
import type {RunConfig} from '../experiments/run-config.js';
import {parseStoredConfig} from '../experiments/run-config.js';
import type {RunFolder} from '../experiments/run-folder.js';
import {modelSchema} from '../models/config.js';
import type {TrainSettings} from '../train/settings.js';
import {trainSchema} from '../train/settings.js';
import {givenSettings} from './command-line.js';

type Args = Record<string, unknown>;

/** Training settings that need no other samples, weights or moments: how long, how fast, how closely watched. */
const CHANGEABLE: readonly (keyof TrainSettings)[] = [
  'steps',
  'rate',
  'finalRate',
  'weightDecay',
  'clip',
  'logEvery',
  'evalEvery',
  'stopAccuracy',
  'patience',
  'checkpointEvery',
  'recompute',
  'logitRows',
  'capture',
];
/** Model settings that come from other options or the task. */
const NOT_COMPARED = ['preset', 'vocabSize', 'backbone', 'seed'];

interface Change {
  readonly option: string;
  readonly was: unknown;
  readonly given: unknown;
}

function changes(config: RunConfig, family: WorkloadFamily, argv: Args): Change[] {
  const {data, ...ofTask} = givenSettings(family.schema, argv);
  const moved = data === undefined ? {} : {data: family.name === 'lm' ? resolve(String(data)) : data};
  const given = [
    {was: config.data, now: {...ofTask, ...moved}},
    {was: config.model, now: givenSettings(modelSchema, argv)},
    {was: config.train, now: givenSettings(trainSchema, argv)},
  ].flatMap(({was, now}) => {
    const known = new Map<string, unknown>(Object.entries(was));
    return Object.entries(now)
      .filter(([key]) => was !== config.model || !NOT_COMPARED.includes(key))
      .map(([key, value]) => ({option: optionName(key), was: known.get(key), given: value}));
  });
  if (argv.model !== undefined) given.push({option: 'model', was: config.model.preset, given: argv.model});
  if (argv.backend !== undefined && argv.backend !== 'auto')
    given.push({option: 'backend', was: config.backend, given: argv.backend});
  return given.filter(({was, given: now}) => was !== now);
}

/** Errors: SettingError unless the data of another folder are those that the run was started with. */
function checkMoved({data}: RunConfig, family: WorkloadFamily, folder: unknown): void {
  const moved = family.completeData({...data, data: String(folder)});
  if (moved.checksum !== data.checksum)
    throw new SettingError(`--resume: --data ${folder} holds other tokens than the run was started with`);
}

/** Before anything is written. Errors: BackendError, with what helps. */
async function startBackend({backend}: RunConfig): Promise<void> {
  try {
    await useBackend(backend);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw new BackendError(`${error.message}; or go on elsewhere: --backend wasm`);
  }
}

/** How a run goes on. */
export interface ResumePlan {
  readonly config: RunConfig;
  /** What changes, in words, for the run's own record; empty: nothing. */
  readonly changes: readonly string[];
  /** The same and what follows from it, for the user. */
  readonly words: readonly string[];
}

/**
 * What may change when a run goes on: its length, its rates, how it is watched, where it is computed, where its data lie.
 * Nothing is written. Errors: SettingError for any other change, and for fewer steps than were made; BackendError.
 */
export async function planResume(folder: RunFolder, family: WorkloadFamily, argv: Args): Promise<ResumePlan> {
  const {config} = folder;
  const shaping = ['size', 'parameters'].find(name => argv[name] !== undefined);
  if (shaping !== undefined)
    throw new SettingError(`--resume keeps the run's model: leave --${shaping} away, which makes another`);
  const found = changes(config, family, argv);
  const mayChange = new Set(['data', 'backend', ...CHANGEABLE.map(optionName)]);
  const refused = found.find(({option}) => !mayChange.has(option));
  if (refused !== undefined)
    throw new SettingError(
      `--resume keeps the run's settings: --${refused.option} is ${refused.was} there, got ${refused.given}; ` +
        `what may change is ${[...mayChange].map(option => `--${option}`).join(', ')}`,
    );
  if (found.length === 0) {
    family.checkFiles?.(config, folder.path);
    await startBackend(config);
    return {config, changes: [], words: []};
  }
  const given = new Map(found.map(change => [change.option, change.given]));
  if (given.has('data')) checkMoved(config, family, given.get('data'));
  const made = folder.checkpoints.lastStep ?? 0;
  const next = parseStoredConfig(config.task, {
    backend: given.get('backend') ?? config.backend,
    data: {...config.data, ...(given.has('data') ? {data: given.get('data')} : {})},
    model: config.model,
    train: {...config.train, ...givenSettings(trainSchema, argv)},
  });
  if (next.train.steps < made)
    throw new SettingError(
      `--resume: --steps must be at least the ${made} made so far, got ${next.train.steps}`,
    );
  family.checkFiles?.(next, folder.path);
  await startBackend(next);
  const words = found.map(({option, was, given: now}) => `--${option} ${was} is now ${now}`);
  const follows = given.has('steps')
    ? [`the rate follows the schedule of ${next.train.steps} steps from now on`]
    : [];
  const rounds = given.has('backend') ? [`${next.backend} rounds otherwise than ${config.backend}`] : [];
  return {config: next, changes: words, words: [...words, ...follows, ...rounds]};
}

/**
 * Takes a plan over, once everything that the run goes on with is found sound.
 * Errors: those of `checkRun`, CheckpointError, RunFolderError; nothing has changed then.
 */
export async function applyResume(folder: RunFolder, {config, changes: words}: ResumePlan): Promise<void> {
  folder.lock();
  try {
    folder.check();
    if (folder.checkpoints.lastStep === undefined) {
      folder.checkUnbegun();
      await checkRun(config);
    } else {
      const resume = folder.checkpoints.open();
      try {
        await checkRun(config, {resume});
      } finally {
        resume.close();
      }
    }
    if (words.length > 0) folder.change(config, words);
  } catch (error) {
    folder.release();
    throw error;
  }
}
