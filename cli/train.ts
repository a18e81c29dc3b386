// `bmojo train TASK`: a run from options, a config file or an existing run folder.

import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {optionName, SettingError, withDefaults} from '../config/schema.js';
import type {BackendChoice} from '../custom-ops/index.js';
import {backendRequests, chooseBackend} from '../custom-ops/index.js';
import {shellWord} from '../errors/shell-word.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {workloadFamilies} from '../experiments/families/index.js';
import {checkRun, endedEarly, runTraining} from '../experiments/run.js';
import type {GivenRun, RunConfig} from '../experiments/run-config.js';
import {parseConfigText, parseRunConfig} from '../experiments/run-config.js';
import {RunFolder, RunFolderError} from '../experiments/run-folder.js';
import type {PresetName} from '../models/config.js';
import {modelSchema, presetNames} from '../models/config.js';
import {sizeField, sizeModel, sizeNames, sizeTraining} from '../models/sizes.js';
import {trainSchema} from '../train/settings.js';
import {Adviser} from './adviser.js';
import {givenSettings, NEEDS_COMMAND, onlyOptions, schemaOptions} from './command-line.js';
import type {InitialWeights} from './initial-weights.js';
import {checkInitialWeights, readInitialWeights} from './initial-weights.js';
import {withInterrupts} from './interrupts.js';
import {parametersOption} from './number-options.js';
import {optionText} from './option-file.js';
import {ProgressPrinter} from './progress.js';
import {typedCommand} from './publish.js';
import {applyResume, planResume} from './resume.js';

type Args = Record<string, unknown>;

/** Exit status of a run that was interrupted, and of one that diverged. */
const INTERRUPTED = 130;
const DIVERGED = 1;

/** Behind the options of a task without an example of settings. */
const NO_EXAMPLE =
  'No settings are shown as an example: none are known here with which nine of ten seeds learn this task within minutes on one core.';

/** Model settings that have their own options or come from the task. */
const NOT_MODEL_OPTIONS = ['preset', 'vocabSize', 'backbone', 'seed'];
/** Data settings that follow from others. */
const NOT_DATA_OPTIONS = ['checksum'];

/** Options of everything that decides a run of a task, but for some training settings. */
export function runOptions(family: WorkloadFamily, withoutTraining: readonly string[] = []) {
  return {
    model: {
      type: 'string' as const,
      choices: modelSchema.preset.choices,
      describe: `${modelSchema.preset.why} [default "${modelSchema.preset.default}"]`,
      group: 'Model',
    },
    ...schemaOptions(withDefaults(modelSchema, family.modelDefaults), 'Model', NOT_MODEL_OPTIONS),
    size: {type: 'string' as const, choices: sizeNames, describe: sizeField.why, group: 'Model'},
    parameters: {...parametersOption, group: 'Model'},
    ...schemaOptions(family.schema, `Task ${family.name}`, NOT_DATA_OPTIONS),
    ...schemaOptions(withDefaults(trainSchema, family.trainDefaults), 'Training', withoutTraining),
    backend: {
      type: 'string' as const,
      choices: backendRequests,
      describe:
        'where tensors are computed; auto: a GPU through WebGPU, else tensorflow if set up, else wasm [default "auto"]',
      group: 'Run',
    },
    config: {
      type: 'string' as const,
      describe: 'JSON file with sections data, model, train; options given here win over it',
      group: 'Run',
    },
  };
}

function presetOf(name: unknown): PresetName {
  return presetNames.find(known => known === name) ?? modelSchema.preset.default;
}

/** Settings with a backend: the fastest that works here when none was asked for, and then why that one. */
export async function withBackend(given: GivenRun): Promise<{given: GivenRun; choice?: BackendChoice}> {
  if (given.backend !== undefined && given.backend !== 'auto') return {given};
  const choice = await chooseBackend();
  return {given: {...given, backend: choice.backend}, choice};
}

/** The backend of `--backend` or a config file; where neither names one, the fastest that works here, and why. */
export async function backendFor(
  family: WorkloadFamily,
  {backend, config}: Args,
): Promise<{backend: unknown; choice?: BackendChoice}> {
  const {given, choice} = await withBackend(givenRun(family, {backend, config}));
  return {backend: given.backend, choice};
}

/** Merges a config file and the options into what `parseRunConfig` completes; `own` are model settings that both win over. */
export function givenRun(family: WorkloadFamily, argv: Args, own: object = {}): GivenRun {
  const file = typeof argv.config === 'string' ? argv.config : undefined;
  const base = file === undefined ? {} : parseConfigText(file, optionText('--config', file));
  if (base.task !== undefined && base.task !== family.name)
    throw new SettingError(`--config: ${file} is for task ${base.task}, not ${family.name}`);
  const preset = argv.model === undefined ? {} : {preset: argv.model};
  const size = sizeNames.find(name => name === argv.size);
  const {model = {}} = base;
  const name = presetOf(argv.model ?? ('preset' in model ? model.preset : undefined));
  return {
    backend: argv.backend ?? base.backend,
    data: {...base.data, ...givenSettings(family.schema, argv)},
    model: {
      ...own,
      ...model,
      ...(size === undefined ? {} : sizeModel(size, name)),
      ...givenSettings(modelSchema, argv),
      ...preset,
    },
    train: {
      ...base.train,
      ...(size === undefined ? {} : sizeTraining(size)),
      ...givenSettings(trainSchema, argv),
    },
    ...(argv.parameters === undefined ? {} : {parameters: Number(argv.parameters)}),
  };
}

function describeRun({task, backend, data, model}: RunConfig, choice?: BackendChoice): string {
  const words = Object.entries(data)
    .filter(([key]) => !NOT_DATA_OPTIONS.includes(key))
    .map(([key, value]) => `${optionName(key)} ${value}`);
  const why = choice === undefined ? '' : ` (chosen: ${choice.reason})`;
  return `${model.preset} on ${task} (${words.join(', ')}), backend ${backend}${why}`;
}

async function openFolder(
  family: WorkloadFamily,
  argv: Args,
): Promise<{
  folder: RunFolder;
  choice?: BackendChoice;
  changes?: readonly string[];
  initial?: InitialWeights;
}> {
  const resume = argv.resume === true;
  if (resume) {
    if (typeof argv.out !== 'string') throw new SettingError('--resume: name the run folder with --out DIR');
    if (argv.config !== undefined)
      throw new SettingError('--resume takes its settings from the run, not from --config');
    if (argv.initFrom !== undefined)
      throw new SettingError('--resume goes on with the run’s own weights; --init-from begins a new run');
    const folder = RunFolder.open(argv.out);
    if (folder.config.task !== family.name)
      throw new RunFolderError(`${argv.out} is a run of task ${folder.config.task}, not ${family.name}`);
    const plan = await planResume(folder, family, argv);
    await applyResume(folder, plan);
    return {folder, changes: plan.words};
  }
  const initial = typeof argv.initFrom === 'string' ? await readInitialWeights(argv.initFrom) : undefined;
  // A vocabulary may be padded beyond the ids of its tokenizer, which is held against that of the data.
  const padded = 'data' in family.schema && initial !== undefined ? {vocabSize: initial.model.vocabSize} : {};
  const {given, choice} = await withBackend({...givenRun(family, argv, initial?.model), ...padded});
  const config = parseRunConfig(family.name, given);
  await (initial === undefined ? checkRun(config) : checkInitialWeights(initial, config));
  const path =
    typeof argv.out === 'string' ? argv.out : join('runs', `${family.name}-${config.model.preset}`);
  // Of text alone: what a task asks has no begin and no end.
  const generation = 'data' in family.schema ? initial?.generation : undefined;
  const folder = RunFolder.create(path, config, {generation});
  if (initial === undefined) return {folder, choice};
  const {step, digest} = initial;
  folder.change(config, [`begins with the weights of ${initial.path}, step ${step}, sha256 ${digest}`]);
  return {folder, choice, initial};
}

async function execute(family: WorkloadFamily, argv: Args): Promise<void> {
  const {folder, choice, changes = [], initial} = await openFolder(family, argv);
  const printer = new ProgressPrinter({output: process.stdout, json: argv.json === true});
  if (argv.json !== true) console.log(`${describeRun(folder.config, choice)}\nrun folder ${folder.path}`);
  if (initial !== undefined && argv.json !== true)
    console.log(`begins with the weights of ${initial.path}, step ${initial.step}`);
  if (changes.length > 0) process.stderr.write(`changed: ${changes.join('; ')}\n`);
  if (folder.config.train.rate === 0)
    process.stderr.write('note: at --rate 0 nothing is learned, the weights stay what they began with\n');
  const notice = family.notice?.(folder.config);
  if (notice !== undefined) process.stderr.write(`${notice}\n`);
  const {lastStep, givenUp} = folder.checkpoints;
  if (argv.resume === true && givenUp !== undefined)
    process.stderr.write(
      `goes on from step ${lastStep}, before the loss left its range; the checkpoint of step ${givenUp} is given up\n`,
    );
  if (argv.resume === true && lastStep === undefined)
    process.stderr.write('the run has no checkpoint yet: it begins anew\n');
  if (argv.json !== true && argv.resume === true && lastStep === folder.config.train.steps)
    console.log(`all ${lastStep} steps are made; --steps N with a larger N goes further`);
  const isBefore = lastStep !== undefined && lastStep < folder.config.train.steps;
  if (argv.json !== true && argv.resume === true && isBefore && endedEarly(folder))
    console.log(
      `it ended after step ${lastStep}, as --stop-accuracy or --patience say; another value of these goes further`,
    );
  const adviser = new Adviser(family, folder.config, process.stderr);
  await withInterrupts(async signal => {
    for await (const event of runTraining(folder, {
      resume: argv.resume === true,
      initial: initial?.weights,
      command: typedCommand(),
      signal,
    })) {
      printer.show(event);
      if (event.type === 'evaluated') adviser.see(event.step, event.report);
      if (event.type === 'finished') adviser.end(event.step);
      if (event.type !== 'stopped') continue;
      const isInterrupted = event.reason === 'interrupted';
      process.exitCode = isInterrupted ? INTERRUPTED : DIVERGED;
      const lower = isInterrupted ? '' : ` --rate ${Number((folder.config.train.rate / 3).toPrecision(2))}`;
      if (argv.json !== true)
        console.log(
          `continue with: npx bmojo train ${family.name} --resume --out ${shellWord(folder.path)}${lower}`,
        );
    }
  });
}

/**
 * Every other command that runs a model takes `--memory`: a training says why it cannot. Errors: SettingError.
 */
function refuseMemory({memory}: Args): true {
  if (memory === undefined) return true;
  throw new SettingError(
    '--memory: what a store holds are keys of weights that do not change, and training changes them with every step. In training ' +
      'the text itself is the store: --storage K retrieves from it, --segments S carries it over updates (lm), --storage-negatives N ' +
      'adds what other texts of the batch stored. With the trained model, bmojo generate and bmojo eval take --memory',
  );
}

function taskCommand(family: WorkloadFamily): CommandModule<object, Args> {
  return {
    command: family.name,
    describe: family.summary,
    builder: (yargs: Argv<object>) => {
      const options = {
        ...runOptions(family),
        out: {
          type: 'string' as const,
          describe: 'run folder to make [default runs/TASK-MODEL]',
          writes: 'folder' as const,
          group: 'Run',
        },
        resume: {
          type: 'boolean' as const,
          describe:
            'continue the run in --out from its checkpoint; --steps, rates, --backend, --data and how often it logs, evaluates and saves may change',
          group: 'Run',
        },
        'init-from': {
          type: 'string' as const,
          describe:
            'run folder whose last weights a new run begins with (fine-tuning), a model folder, or a folder of Hugging Face; its model settings are the defaults then',
          group: 'Run',
        },
        json: {type: 'boolean' as const, describe: 'print events as JSON lines', group: 'Run'},
      };
      const described = yargs
        .options(options)
        .check(refuseMemory)
        .check(onlyOptions(options))
        .example(
          family.examples.map(([words, meaning]) => [`$0 train ${family.name} ${words}`, meaning] as const),
        )
        .example(`$0 train ${family.name} --resume --out runs/first`, 'continue after Ctrl-C or a crash')
        .example(
          `$0 train ${family.name} --resume --out runs/first --steps 9000`,
          'train a finished run further',
        );
      return family.examples.length === 0 ? described.epilogue(NO_EXAMPLE) : described;
    },
    handler: argv => execute(family, argv),
  };
}

export const trainCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    workloadFamilies
      .reduce((builder, family) => builder.command(taskCommand(family)), yargs)
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
