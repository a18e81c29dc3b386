// `bmojo compare mad`: MAD's whole grid, or a part of it, as one resumable set of runs with MAD's score.

import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {backendNames} from '../custom-ops/index.js';
import {taskFamily} from '../data/families.js';
import type {MadSetting} from '../data/mad/grid.js';
import {
  madDecays,
  madLeastRate,
  madPasses,
  madRates,
  madSettings,
  madTaskNames,
  madVariables,
} from '../data/mad/grid.js';
import type {MadResult} from '../eval/mad-score.js';
import {madPlot, madScores, madTable} from '../eval/mad-score.js';
import {markdownTable, textTable} from '../eval/table.js';
import {recallOf} from '../experiments/families/recall.js';
import {parseRunConfig} from '../experiments/run-config.js';
import {RunFolder} from '../experiments/run-folder.js';
import type {NamedRun} from '../experiments/run-set.js';
import {trainAll} from '../experiments/run-set.js';
import {modelSchema, presetNames, presets} from '../models/config.js';
import {barPlot} from '../plot/bar-plot.js';
import {duration} from '../train/pace.js';
import {trainSchema} from '../train/settings.js';
import {givenSettings, onlyOptions, schemaOptions} from './command-line.js';
import {withInterrupts} from './interrupts.js';
import {numberList, wordList} from './lists.js';
import {listOption, numberOption, wholeOption, wordsOption} from './number-options.js';
import {writeResults} from './output.js';
import {typedCommand, writtenWords} from './publish.js';
import {SetProgress} from './set-progress.js';

type Args = Record<string, unknown>;

interface MadRun extends NamedRun {
  readonly setting: MadSetting;
}

/** Model settings that come from the task or have an option of their own. */
const NOT_MODEL_OPTIONS = ['preset', 'vocabSize', 'backbone', 'seed'];

/** Every setting with every model, rate and decay; passes over the data become steps. */
function plan(argv: Args, out: string): MadRun[] {
  const models = wordList('models', String(argv.models), modelSchema.preset.choices);
  const settings = madSettings(
    wordList('tasks', String(argv.tasks), madTaskNames),
    wordList('settings', String(argv.settings), madVariables),
  );
  const rates = numberList('rates', String(argv.rates));
  const decays = numberList('decays', String(argv.decays));
  const passes = Number(argv.passes);
  return settings.flatMap(setting => {
    const {schema, trainDefaults} = taskFamily(setting.task);
    const examples = setting.data.trainExamples ?? schema.trainExamples.default;
    const batch = Number(argv.batch ?? trainDefaults?.batch);
    const steps = Math.ceil((passes * Number(examples)) / batch);
    return models.flatMap(preset =>
      rates.flatMap(rate =>
        decays.map((weightDecay): MadRun => {
          const name = `${setting.task}/${setting.name}/${preset}-${rate}-${weightDecay}`;
          const train = {batch, steps, rate, weightDecay, finalRate: Math.min(1, madLeastRate / rate)};
          const model = {...givenSettings(modelSchema, argv), ...presets[preset], preset};
          const config = parseRunConfig(setting.task, {
            backend: argv.backend,
            data: setting.data,
            model,
            train,
          });
          return {name, path: join(out, name), config, setting};
        }),
      ),
    );
  });
}

function resultsOf(runs: readonly MadRun[]): MadResult[] {
  return runs.flatMap(({path, config, setting}) => {
    const folder = RunFolder.open(path);
    if (!folder.finished) return [];
    const {rate, weightDecay} = config.train;
    const report = recallOf(folder.readResult().report);
    return [
      {model: config.model.preset, task: setting.task, setting: setting.name, rate, weightDecay, report},
    ];
  });
}

async function execute(argv: Args): Promise<void> {
  const out = String(argv.out);
  const runs = plan(argv, out);
  const json = argv.json === true;
  if (!json) console.log(`${runs.length} runs in ${out}; Ctrl-C stops, the same command continues`);
  const progress = new SetProgress({output: process.stdout, json});
  const began = Date.now();
  let [ended, steps] = [0, 0];
  const total = runs.reduce((sum, {config}) => sum + config.train.steps, 0);
  const interrupted = await withInterrupts(async signal => {
    for await (const event of trainAll(runs, {
      jobs: Number(argv.jobs),
      command: typedCommand(),
      signal,
    })) {
      progress.show(event);
      if (event.event.type === 'step') steps++;
      if (event.event.type !== 'finished' || json) continue;
      ended++;
      const done = runs.filter(({path}) => RunFolder.open(path).finished);
      const behind = done.reduce((sum, {config}) => sum + config.train.steps, 0);
      const left = ((Date.now() - began) / 1000 / Math.max(1, steps)) * (total - behind);
      progress.endLine();
      console.log(
        `${done.length} of ${runs.length} runs finished, ${ended} just now; about ${duration(left)} left`,
      );
    }
    return signal.aborted;
  });
  progress.endLine();
  if (interrupted) {
    process.exitCode = 130;
    return;
  }
  const results = resultsOf(runs);
  const scores = madScores(results);
  const files = {
    'mad.json': `${JSON.stringify({scores, results}, null, 2)}\n`,
    'mad.md': `${markdownTable(madTable(scores))}\n`,
    'mad.svg': barPlot(madPlot(scores)),
  };
  const written = writeResults(
    Object.fromEntries(Object.entries(files).map(([file, content]) => [join(out, file), content])),
  );
  if (json) {
    console.log(JSON.stringify({type: 'compared', scores, files: written}));
    return;
  }
  console.log(`\naccuracy per class (plain accuracy), per cent\n\n${textTable(madTable(scores))}`);
  if (results.length < runs.length)
    console.log(`\n${runs.length - results.length} runs diverged and do not count`);
  console.log(writtenWords(written));
}

export const compareMadCommand: CommandModule<object, Args> = {
  command: 'mad',
  describe: "MAD's six tasks over their difficulty settings, six optimiser settings each, with MAD's score",
  builder: (yargs: Argv<object>) => {
    const own = {
      models: {...wordsOption('presets, separated by commas', presetNames), demandOption: true},
      tasks: {
        ...wordsOption('tasks of the grid, separated by commas', madTaskNames),
        default: madTaskNames.join(','),
      },
      settings: {
        ...wordsOption(
          'which difficulty settings, separated by commas: the baseline, and what is varied from it',
          madVariables,
        ),
        default: madVariables.join(','),
      },
      rates: {
        ...listOption('learning rates, separated by commas; the best run counts', trainSchema.rate),
        default: madRates.join(','),
      },
      decays: {
        ...listOption('weight decays, separated by commas; the best run counts', trainSchema.weightDecay),
        default: madDecays.join(','),
      },
      passes: {
        ...numberOption(
          'passes over the training samples; fewer make another, cheaper benchmark',
          0.001,
          100_000,
        ),
        default: madPasses,
      },
      batch: wholeOption('samples per step, 128 unless given', trainSchema.batch.min, trainSchema.batch.max),
      jobs: {...wholeOption('runs at the same time'), default: availableParallelism()},
      backend: {
        type: 'string' as const,
        choices: backendNames,
        describe: 'where tensors are computed [default "wasm"]',
      },
      out: {
        type: 'string' as const,
        default: join('runs', 'mad'),
        describe: 'folder for the runs and the score',
        writes: 'runs' as const,
      },
      json: {type: 'boolean' as const, describe: 'print events as JSON lines'},
    };
    const options = {
      ...own,
      ...schemaOptions(modelSchema, "Model [defaults here: MAD's]", NOT_MODEL_OPTIONS),
    };
    return yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 compare mad --models bmojo,mamba --backend webgpu',
        'the whole grid: 396 runs for each model',
      )
      .example(
        '$0 compare mad --models bmojo,mamba,swa --tasks mad-memorization --settings baseline',
        'one task at its baseline, minutes for each run',
      );
  },
  handler: execute,
};
