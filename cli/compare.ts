// `bmojo compare TASK`: several models on the same data, each at several learning rates.

import {mkdirSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {refusal, SettingError} from '../config/schema.js';
import type {SeedSummary} from '../eval/seeds.js';
import {seedSummaries, seedTable} from '../eval/seeds.js';
import type {Cell} from '../eval/table.js';
import {markdownTable, percent, textTable} from '../eval/table.js';
import type {ComparedRun, WorkloadFamily} from '../experiments/families/index.js';
import {isLanguageReport, workloadFamilies} from '../experiments/families/index.js';
import {parseRunConfig} from '../experiments/run-config.js';
import {RunFolder} from '../experiments/run-folder.js';
import type {NamedRun} from '../experiments/run-set.js';
import {trainAll} from '../experiments/run-set.js';
import {presetNames, presets} from '../models/config.js';
import {linePlot} from '../plot/line-plot.js';
import {trainSchema} from '../train/settings.js';
import {NEEDS_COMMAND, onlyOptions, wholeNumber} from './command-line.js';
import {compareMadCommand} from './compare-mad.js';
import {withInterrupts} from './interrupts.js';
import {numberList, wordList} from './lists.js';
import {writeResults} from './output.js';
import {typedCommand, writtenWords} from './publish.js';
import {SetProgress} from './set-progress.js';
import {givenRun, runOptions, withBackend} from './train.js';

type Args = Record<string, unknown>;

/** Seeds of `--seeds`; undefined for the one of `--seed`. Errors: SettingError. */
function seedsOf({seeds, seed}: Args): number[] | undefined {
  if (seeds === undefined) return undefined;
  if (seed !== undefined) throw new SettingError('--seeds and --seed exclude each other');
  const list = numberList('seeds', String(seeds));
  const wrong = list.find(one => refusal(trainSchema.seed, one) !== undefined);
  if (wrong !== undefined) throw new SettingError(`--seeds ${refusal(trainSchema.seed, wrong)}`);
  if (new Set(list).size < list.length) throw new SettingError(`--seeds must differ, got ${seeds}`);
  return list;
}

/** One run for each model, rate and seed. Shared model settings give way to what a preset is: a window model has no slots. */
function plan(family: WorkloadFamily, backend: unknown, argv: Args, out: string): NamedRun[] {
  const rates = numberList('rates', String(argv.rates ?? family.rates));
  return wordList('models', String(argv.models), presetNames).flatMap(preset =>
    rates.flatMap(rate =>
      (seedsOf(argv) ?? [undefined]).map(seed => {
        const name = seed === undefined ? `${preset}-${rate}` : `${preset}-${rate}-seed${seed}`;
        const given = givenRun(family, {...argv, model: preset, ...(seed === undefined ? {} : {seed})});
        const model = {...given.model, ...presets[preset], preset};
        return {
          name,
          path: join(out, name),
          config: parseRunConfig(family.name, {...given, backend, model, train: {...given.train, rate}}),
        };
      }),
    ),
  );
}

/** What several seeds came to, by model at its best rate: the headline of the task's reports. */
function overSeeds(runs: readonly NamedRun[]): {summaries: SeedSummary[]; table: Cell[][]} {
  const reports = runs.map(({path, config}) => ({config, report: RunFolder.open(path).readResult().report}));
  const isText = reports.some(({report}) => isLanguageReport(report));
  const seeded = reports.map(({config: {model, train}, report}) => ({
    model: model.preset,
    rate: train.rate,
    seed: train.seed,
    value: isText ? report.loss : report.accuracy,
  }));
  const summaries = seedSummaries(seeded, isText ? 'smaller' : 'larger');
  const words = isText ? (value: number) => value.toFixed(4) : percent;
  return {summaries, table: seedTable(summaries, isText ? 'validation loss' : 'accuracy', words)};
}

/** Of each model the first seed at its best rate. */
function firstOfEach(runs: readonly NamedRun[], summaries: readonly SeedSummary[]): NamedRun[] {
  return summaries.flatMap(({model, rate, seeds}) =>
    runs.filter(
      ({config: {model: own, train}}) =>
        own.preset === model && train.rate === rate && train.seed === seeds[0],
    ),
  );
}

function compared({name, path, config}: NamedRun): ComparedRun {
  const folder = RunFolder.open(path);
  return {
    name,
    model: config.model.preset,
    rate: config.train.rate,
    result: folder.readResult(),
    evaluations: folder.evaluations(),
  };
}

async function execute(family: WorkloadFamily, argv: Args): Promise<void> {
  const out = typeof argv.out === 'string' ? argv.out : join('runs', `compare-${family.name}`);
  const {given, choice} = await withBackend(givenRun(family, argv));
  const runs = plan(family, given.backend, argv, out);
  const json = argv.json === true;
  if (choice !== undefined && !json) console.log(`backend ${choice.backend} (${choice.reason})`);
  const jobs = wholeNumber(argv, 'jobs');
  const progress = new SetProgress({output: process.stdout, json});
  mkdirSync(out, {recursive: true});
  const interrupted = await withInterrupts(async signal => {
    for await (const event of trainAll(runs, {
      jobs,
      command: typedCommand(),
      signal,
    }))
      progress.show(event);
    return signal.aborted;
  });
  progress.endLine();
  if (interrupted) {
    process.exitCode = 130;
    return;
  }
  // A run that diverged has no result: its rate was too high for that model.
  const finished = runs.filter(({path}) => RunFolder.open(path).finished);
  const diverged = runs.filter(run => !finished.includes(run)).map(run => run.name);
  const results = finished.map(({path, config}) => {
    const {preset} = config.model;
    return {
      model: preset,
      rate: config.train.rate,
      seed: config.train.seed,
      ...RunFolder.open(path).readResult(),
    };
  });
  const seeds = seedsOf(argv) === undefined ? undefined : overSeeds(finished);
  const shown = seeds === undefined ? finished : firstOfEach(finished, seeds.summaries);
  const {table, plot} = family.compare(shown.map(compared), runs[0].config);
  const tables = [...(seeds === undefined ? [] : [seeds.table]), table];
  const written = writeResults({
    [join(out, 'compare.json')]:
      `${JSON.stringify({...(seeds && {overSeeds: seeds.summaries}), results, diverged}, null, 2)}\n`,
    [join(out, 'compare.svg')]: linePlot(plot),
    [join(out, 'compare.md')]: `${tables.map(markdownTable).join('\n\n')}\n`,
  });
  if (json || finished.length === 0) return;
  console.log(`\n${tables.map(textTable).join('\n\nthe first seed at that rate\n\n')}`);
  if (diverged.length > 0) console.log(`\ndiverged: ${diverged.join(', ')}`);
  console.log(writtenWords(written));
}

function taskCommand(family: WorkloadFamily): CommandModule<object, Args> {
  return {
    command: family.name,
    describe: family.summary,
    builder: (yargs: Argv<object>) => {
      const {model, ...shared} = runOptions(family, ['rate']);
      const options = {
        models: {
          type: 'string' as const,
          demandOption: true,
          describe: 'presets, separated by commas',
          group: 'Run',
        },
        rates: {
          type: 'string' as const,
          describe: `learning rates that every model is trained with, separated by commas [default ${family.rates}]`,
          group: 'Run',
        },
        seeds: {
          type: 'string' as const,
          describe:
            'seeds that every model is trained with, separated by commas: mean and spread of each model',
          group: 'Run',
        },
        jobs: {
          type: 'number' as const,
          default: availableParallelism(),
          describe: 'runs at the same time, one core each',
          group: 'Run',
        },
        ...shared,
        out: {
          type: 'string' as const,
          describe: 'folder for the runs and the report [default runs/compare-TASK]',
          group: 'Run',
        },
        json: {type: 'boolean' as const, describe: 'print events as JSON lines', group: 'Run'},
      };
      return yargs
        .options(options)
        .check(onlyOptions(options))
        .example(
          `$0 compare ${family.name} --models bmojo,bmojo-f,mamba,swa`,
          'four models, three rates each',
        )
        .example(
          `$0 compare ${family.name} --models bmojo,mamba --rates 5e-3 --seeds 1,2,3`,
          'mean and spread over seeds',
        )
        .example(
          `$0 compare ${family.name} --models bmojo,swa --rates 5e-3 --out runs/two`,
          'run it again to continue',
        );
    },
    handler: argv => execute(family, argv),
  };
}

export const compareCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    workloadFamilies
      .reduce((builder, family) => builder.command(taskCommand(family)), yargs)
      .command(compareMadCommand)
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
