// `bmojo reproduce figure-2`: an experiment of the paper from training to a report beside the paper's claim.

import {existsSync, mkdirSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import {backendNames, chooseBackend} from '../custom-ops/index.js';
import {prepareData, resolveFiles} from '../data/files/index.js';
import {textTable} from '../eval/table.js';
import type {PaperExperiment} from '../experiments/paper/index.js';
import {paperExperiments} from '../experiments/paper/index.js';
import {
  addedRuns,
  linesSoFar,
  measureFinished,
  reportExperiment,
  trainExperiment,
} from '../experiments/paper/reproduce.js';
import {RunFolder} from '../experiments/run-folder.js';
import {duration} from '../train/pace.js';
import {trainSchema} from '../train/settings.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {withInterrupts} from './interrupts.js';
import {numberList, wordList} from './lists.js';
import {listOption, wholeOption, wordsOption} from './number-options.js';
import {writeResults} from './output.js';
import {typedCommand, writtenWords} from './publish.js';
import {SetProgress} from './set-progress.js';

type Args = Record<string, unknown>;

/** What the quick form of experiments on text is trained on: it ships with the project. */
const SHIPPED = 'tiny-shakespeare';

/** The prepared folder of an experiment on text. Errors: SettingError without one; those of `prepareData`. */
async function dataOf(
  {name, needsText}: PaperExperiment,
  argv: Args,
  out: string,
): Promise<string | undefined> {
  if (!needsText) {
    if (argv.data !== undefined) throw new SettingError(`--data: ${name} trains on no text`);
    return undefined;
  }
  if (typeof argv.data === 'string') return argv.data;
  if (argv.quick !== true)
    throw new SettingError(
      `${name} needs --data DIR, a folder made by bmojo data prepare; --quick takes a text that ships with the project`,
    );
  const folder = join(out, 'data');
  if (!existsSync(join(folder, 'data.json')))
    await prepareData({files: await resolveFiles([SHIPPED]), tokenizer: 'char', out: folder});
  return folder;
}

/** Seeds or rates of an option. */
function values(argv: Args, option: 'seeds' | 'rates'): number[] | undefined {
  return argv[option] === undefined ? undefined : numberList(option, String(argv[option]));
}

/** Errors: SettingError for several runs at a time where time is measured. */
function jobsOf({name, isTimed = false}: PaperExperiment, argv: Args): number {
  if (argv.jobs === undefined) return isTimed ? 1 : availableParallelism();
  const jobs = Number(argv.jobs);
  if (isTimed && jobs > 1)
    throw new SettingError(`--jobs must be 1: ${name} measures the time of steps, got ${jobs}`);
  return jobs;
}

function words(
  argv: Args,
  option: 'models' | 'panels' | 'sizes',
  known: readonly string[],
): string[] | undefined {
  return argv[option] === undefined ? undefined : wordList(option, String(argv[option]), known);
}

async function execute(experiment: PaperExperiment, argv: Args): Promise<void> {
  const {name, claim} = experiment;
  const out =
    typeof argv.out === 'string' ? argv.out : join('runs', argv.quick === true ? `${name}-quick` : name);
  const json = argv.json === true;
  const chosen = {
    jobs: jobsOf(experiment, argv),
    seeds: values(argv, 'seeds'),
    rates: values(argv, 'rates'),
    models: words(argv, 'models', experiment.models),
    panels: words(argv, 'panels', experiment.panels),
    sizes: words(argv, 'sizes', experiment.sizes),
  };
  const backend = backendNames.find(known => known === argv.backend) ?? (await chooseBackend()).backend;
  const options = {
    ...chosen,
    out,
    backend,
    quick: argv.quick === true,
    report: argv.report === true,
    data: await dataOf(experiment, argv, out),
    command: typedCommand(),
    ...(Array.isArray(argv.add) ? {add: argv.add.map(String)} : {}),
  };
  const planned = experiment.plan(options);
  if (planned.length === 0)
    throw new SettingError(
      `${name} has no run for these --models, --panels and --sizes${options.quick ? ' in its quick form' : ''}`,
    );
  if (!json)
    console.log(
      options.report
        ? `The paper: ${claim}\n`
        : `The paper: ${claim}\n${planned.length} runs in ${out} on ${backend}; Ctrl-C stops, the same command continues\n`,
    );
  const begun = Date.now();
  const progress = new SetProgress({output: process.stdout, json});
  const added = new Set(addedRuns(options.add, planned).map(run => run.name));
  const behind = planned.filter(({name: run}) => added.has(run) || isFinished(join(out, 'runs', run))).length;
  let ended = 0;
  const interrupted =
    !options.report &&
    (await withInterrupts(async signal => {
      for await (const event of trainExperiment(experiment, {...options, signal})) {
        progress.show(event);
        if (event.event.type !== 'finished') continue;
        const isMeasured = !signal.aborted && (await measureFinished(experiment, options, event.name));
        // Whatever ends this process from here on, what has finished counts.
        writeResults({[join(out, 'runs.jsonl')]: await linesSoFar(experiment, options)});
        if (json) continue;
        ended++;
        const left = planned.length - behind - ended;
        progress.endLine();
        if (isMeasured) console.log(measuredWords(event.name));
        console.log(
          `${behind + ended} of ${planned.length} runs finished; about ${duration(((Date.now() - begun) / 1000 / ended) * left)} left`,
        );
      }
      return signal.aborted;
    }));
  progress.endLine();
  if (interrupted) {
    process.exitCode = 130;
    return;
  }
  const reproduction = await reportExperiment(experiment, options, (run, lines) => {
    mkdirSync(out, {recursive: true});
    writeResults({[join(out, 'runs.jsonl')]: lines});
    if (!json) console.log(measuredWords(run));
  });
  if (reproduction === undefined)
    throw new SettingError(
      options.report
        ? `--report: no run of ${name} has finished in ${out}`
        : `${name}: every run diverged; take lower --rates`,
    );
  const {report, files, finished} = reproduction;
  mkdirSync(out, {recursive: true}); // nothing was trained there where every run was added
  const written = writeResults(
    Object.fromEntries(Object.entries(files).map(([file, text]) => [join(out, file), text])),
  );
  if (json) {
    console.log(
      JSON.stringify({type: 'report', experiment: name, finished, planned: planned.length, ...report}),
    );
    return;
  }
  for (const {caption, rows} of report.tables)
    console.log(`\n${caption === undefined ? '' : `${caption}\n\n`}${textTable(rows)}`);
  console.log(`\nThe paper: ${claim}\nHere: ${report.finding}${writtenWords(written)}`);
}

const measuredWords = (run: string): string => `${run}: measured`;

function isFinished(path: string): boolean {
  return existsSync(join(path, 'config.json')) && RunFolder.open(path).finished;
}

function experimentCommand(experiment: PaperExperiment): CommandModule<object, Args> {
  const {name, title, models, panels, sizes, needsText, isTimed = false} = experiment;
  return {
    command: name,
    describe: title,
    builder: (yargs: Argv<object>) => {
      const options = {
        quick: {
          type: 'boolean' as const,
          describe: 'the same with runs of seconds: minutes on two cores, to see that it works',
        },
        models: wordsOption(`some of ${models.join(',')} [default all]`, models),
        panels: wordsOption(`some of ${panels.join(',')} [default all]`, panels),
        sizes: wordsOption(`some of ${sizes.join(',')} [default all]`, sizes),
        seeds: listOption("seeds, separated by commas [default the experiment's]", trainSchema.seed),
        rates: listOption(
          "peak learning rates, separated by commas; each model's best counts [default the experiment's]",
          trainSchema.rate,
        ),
        ...(needsText
          ? {
              data: {
                type: 'string' as const,
                describe: 'folder made by bmojo data prepare, of long documents',
              },
            }
          : {}),
        backend: {
          type: 'string' as const,
          choices: backendNames,
          describe: 'where tensors are computed [default the fastest here]',
        },
        jobs: wholeOption(
          `runs at the same time [default ${isTimed ? '1, since time is measured' : 'one a core'}]`,
        ),
        out: {
          type: 'string' as const,
          describe: `folder for the runs and the report [default runs/${name}, runs/${name}-quick]`,
          writes: 'runs' as const,
        },
        add: {
          type: 'string' as const,
          array: true as const,
          describe:
            'runs.jsonl of an earlier report, of any machine, whose runs count as finished; may be given several times',
        },
        report: {
          type: 'boolean' as const,
          describe: 'train nothing: only report what came out of the runs that have finished',
        },
        json: {type: 'boolean' as const, describe: 'print events and the report as JSON lines'},
      };
      return yargs
        .options(options)
        .check(onlyOptions(options))
        .example(`$0 reproduce ${name} --quick`, 'see it work')
        .example(
          `$0 reproduce ${name}${needsText ? ' --data runs/data/books' : ''} --backend webgpu${isTimed ? '' : ' --jobs 4'}`,
          isTimed ? 'the experiment on a GPU' : 'the experiment, four runs at a time on one GPU',
        )
        .example(
          `$0 reproduce ${name} --models ${models.slice(-2).join(',')} --seeds 1`,
          'a part of it; more can follow',
        )
        .example(`$0 reproduce ${name} --add experiments/results/${name}/runs.jsonl`, 'go on from kept runs');
    },
    handler: argv => execute(experiment, argv),
  };
}

export const reproduceCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    paperExperiments
      .reduce((builder, experiment) => builder.command(experimentCommand(experiment)), yargs)
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
