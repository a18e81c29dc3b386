// `bmojo compare TASK`: several models on the same data, each at several settings, learning rates and seeds.

import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {textTable} from '../eval/table.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {workloadFamilies} from '../experiments/families/index.js';
import {RunFolder} from '../experiments/run-folder.js';
import {trainAll} from '../experiments/run-set.js';
import {presetNames} from '../models/config.js';
import {trainSchema} from '../train/settings.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {compareMadCommand} from './compare-mad.js';
import {planComparison, withLists} from './compare-plan.js';
import {reportComparison} from './compare-report.js';
import {withInterrupts} from './interrupts.js';
import {listOption, wholeOption, wordsOption} from './number-options.js';
import {writeResults} from './output.js';
import {typedCommand, writtenWords} from './publish.js';
import {SetProgress} from './set-progress.js';
import {backendFor, runOptions} from './train.js';

type Args = Record<string, unknown>;

async function execute(family: WorkloadFamily, argv: Args): Promise<void> {
  const out = typeof argv.out === 'string' ? argv.out : join('runs', `compare-${family.name}`);
  // Every setting is checked before a backend is started.
  planComparison(family, argv, {backend: 'cpu', out});
  const {backend, choice} = await backendFor(family, argv);
  const runs = planComparison(family, argv, {backend, out});
  const json = argv.json === true;
  if (choice !== undefined && !json) console.log(`backend ${choice.backend} (${choice.reason})`);
  const progress = new SetProgress({output: process.stdout, json});
  const interrupted = await withInterrupts(async signal => {
    for await (const event of trainAll(runs, {
      jobs: Number(argv.jobs),
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
  const {table, summaries, files} = reportComparison(family, finished, {out, diverged});
  const written = writeResults(files);
  if (json) console.log(JSON.stringify({type: 'compared', models: summaries, diverged, files: written}));
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
          ...wordsOption('presets, separated by commas', presetNames),
          demandOption: true,
          group: 'Run',
        },
        rates: {
          ...listOption(
            `learning rates that every model is trained with, separated by commas [default ${family.rates}]`,
            trainSchema.rate,
          ),
          group: 'Run',
        },
        seeds: {
          ...listOption(
            'seeds that every model is trained with, separated by commas: mean and spread of each model',
            trainSchema.seed,
          ),
          group: 'Run',
        },
        jobs: {
          ...wholeOption('runs at the same time, one core each'),
          default: availableParallelism(),
          group: 'Run',
        },
        ...withLists(family, shared),
        out: {
          type: 'string' as const,
          describe: 'folder for the runs and the report [default runs/compare-TASK]',
          writes: 'runs' as const,
          group: 'Run',
        },
        json: {
          type: 'boolean' as const,
          describe: 'print events and what came out as JSON lines',
          group: 'Run',
        },
      };
      const [small] = family.examples[0] ?? [''];
      const words = small.replace(/ --(?:out|rate|model) [^ ]+/g, '');
      return yargs
        .options(options)
        .check(onlyOptions(options))
        .example(
          `$0 compare ${family.name} --models bmojo,bmojo-f,mamba,swa ${words}`,
          'four models, three rates each',
        )
        .example(
          `$0 compare ${family.name} --models bmojo --rates 5e-3 --seeds 1,2,3 --eidetic-slots 8,16,32 ${words.replace(/--eidetic-slots [^ ]+ ?/, '')}`,
          'mean and spread over seeds; every setting that is a number or a word may be a list',
        )
        .epilogue('Run a comparison again to continue it.');
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
