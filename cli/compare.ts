// `bmojo compare TASK`: several models on the same data, each at several learning rates.

import {mkdirSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {markdownTable, textTable} from '../eval/table.js';
import type {ComparedRun, WorkloadFamily} from '../experiments/families/index.js';
import {workloadFamilies} from '../experiments/families/index.js';
import {parseRunConfig} from '../experiments/run-config.js';
import {RunFolder} from '../experiments/run-folder.js';
import type {NamedRun} from '../experiments/run-set.js';
import {trainAll} from '../experiments/run-set.js';
import {presetNames, presets} from '../models/config.js';
import {linePlot} from '../plot/line-plot.js';
import {NEEDS_COMMAND, onlyOptions, wholeNumber} from './command-line.js';
import {compareMadCommand} from './compare-mad.js';
import {withInterrupts} from './interrupts.js';
import {numberList, wordList} from './lists.js';
import {writeResults} from './output.js';
import {typedCommand, writtenWords} from './publish.js';
import {SetProgress} from './set-progress.js';
import {givenRun, runOptions, withBackend} from './train.js';

type Args = Record<string, unknown>;

/** One run for each model and rate. Shared model settings give way to what a preset is: a window model has no slots. */
function plan(family: WorkloadFamily, backend: unknown, argv: Args, out: string): NamedRun[] {
  const rates = numberList('rates', String(argv.rates ?? family.rates));
  return wordList('models', String(argv.models), presetNames).flatMap(preset =>
    rates.map(rate => {
      const name = `${preset}-${rate}`;
      const given = givenRun(family, {...argv, model: preset});
      const model = {...given.model, ...presets[preset], preset};
      return {
        name,
        path: join(out, name),
        config: parseRunConfig(family.name, {...given, backend, model, train: {...given.train, rate}}),
      };
    }),
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
  const progress = new SetProgress({output: process.stdout, json});
  mkdirSync(out, {recursive: true});
  const interrupted = await withInterrupts(async signal => {
    for await (const event of trainAll(runs, {
      jobs: wholeNumber(argv, 'jobs'),
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
    return {model: preset, rate: config.train.rate, ...RunFolder.open(path).readResult()};
  });
  const {table, plot} = family.compare(finished.map(compared), runs[0].config);
  const written = writeResults({
    [join(out, 'compare.json')]: `${JSON.stringify({results, diverged}, null, 2)}\n`,
    [join(out, 'compare.svg')]: linePlot(plot),
    [join(out, 'compare.md')]: `${markdownTable(table)}\n`,
  });
  if (json || finished.length === 0) return;
  console.log(`\n${textTable(table)}`);
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
