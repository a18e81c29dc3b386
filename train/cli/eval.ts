// `bmojo eval TASK`: the accuracy of a run's model by number of pairs and by distance, beside its memory.

import type {Argv, CommandModule} from 'yargs';
import {refuseUnknownOptions} from '../../config/command-line.js';
import {SettingError} from '../../config/schema.js';
import {taskFamilies} from '../../data/families.js';
import type {TaskFamily} from '../../data/task.js';
import type {RecallReport} from '../../eval/recall.js';
import {textTable} from '../../eval/table.js';
import {percent} from '../progress.js';
import {evaluateRun, loadRunModel} from '../run.js';
import {RunFolder, RunFolderError} from '../run-folder.js';

type Args = Record<string, unknown>;

interface Variant {
  readonly pairs: number;
  readonly length: number;
  readonly chance: number;
  readonly stateBytes: number;
  readonly report: RecallReport;
}

/** `4,8,16` as numbers. Errors: SettingError naming the option. */
export function numberList(option: string, text: string): number[] {
  return text.split(',').map(part => {
    const value = Number(part);
    if (part.trim() === '' || !Number.isFinite(value))
      throw new SettingError(`--${option} must be numbers separated by commas, got ${JSON.stringify(text)}`);
    return value;
  });
}

function words(step: number, variants: readonly Variant[]): string {
  const summary = textTable([
    [
      'pairs',
      'length',
      'queries',
      'accuracy',
      'per sample',
      'beyond windows',
      'chance',
      'loss',
      'state bytes',
    ],
    ...variants.map(({pairs, length, chance, stateBytes, report}) => [
      pairs,
      length,
      report.queries,
      percent(report.accuracy),
      percent(report.macroAccuracy),
      report.beyondReach === undefined || report.beyondReach.queries === 0
        ? '-'
        : percent(report.beyondReach.accuracy),
      percent(chance),
      report.loss.toFixed(3),
      stateBytes,
    ]),
  ]);
  const distances = variants.map(({pairs, report}) =>
    textTable([
      [`distance, ${pairs} pairs`, 'queries', 'accuracy'],
      ...report.byDistance.map(slice => [
        `${slice.from}-${slice.to}`,
        slice.queries,
        percent(slice.accuracy),
      ]),
    ]),
  );
  return [`checkpoint of step ${step}`, summary, ...distances].join('\n\n');
}

async function execute(family: TaskFamily, argv: Args): Promise<void> {
  const folder = RunFolder.open(String(argv.checkpoint));
  const {config} = folder;
  if (config.task !== family.name)
    throw new RunFolderError(`${folder.path} is a run of task ${config.task}, not ${family.name}`);
  const trained = Number(config.data.pairs);
  const pairs = typeof argv.pairs === 'string' ? numberList('pairs', argv.pairs) : [trained];
  const length = typeof argv.length === 'number' ? argv.length : Number(config.data.length);
  const tasks = pairs.map(count => ({count, task: family.create({...config.data, pairs: count, length})}));
  const {model, step} = await loadRunModel(folder);
  const variants: Variant[] = [];
  for (const {count, task} of tasks) {
    const report = await evaluateRun(model, task, {seed: Number(argv.seed), samples: Number(argv.samples)});
    variants.push({pairs: count, length, chance: task.chance, stateBytes: model.stateSize(length), report});
  }
  model.model.dispose();
  console.log(argv.json === true ? JSON.stringify({step, variants}, null, 2) : words(step, variants));
}

function taskCommand(family: TaskFamily): CommandModule<object, Args> {
  return {
    command: family.name,
    describe: family.summary,
    builder: (yargs: Argv<object>) => {
      const options = {
        checkpoint: {type: 'string' as const, demandOption: true, describe: 'run folder made by bmojo train'},
        pairs: {
          type: 'string' as const,
          describe: 'numbers of pairs, separated by commas [default: as trained]',
        },
        length: {type: 'number' as const, describe: 'tokens per sample [default: as trained]'},
        samples: {
          type: 'number' as const,
          default: 1000,
          describe: 'held-out samples for each number of pairs',
        },
        seed: {type: 'number' as const, default: 1, describe: 'seed of the held-out samples'},
        json: {type: 'boolean' as const, describe: 'print JSON'},
      };
      return yargs
        .options(options)
        .check(argv => {
          refuseUnknownOptions(argv, Object.keys(options));
          return true;
        })
        .example(`$0 eval ${family.name} --checkpoint runs/first`, 'accuracy as trained, by distance')
        .example(`$0 eval ${family.name} --checkpoint runs/first --pairs 4,8,16`, 'fewer and more pairs');
    },
    handler: argv => execute(family, argv),
  };
}

export const evalCommand: CommandModule<object, Args> = {
  command: 'eval <task>',
  describe: 'measure a trained model',
  builder: (yargs: Argv<object>) =>
    taskFamilies.reduce((builder, family) => builder.command(taskCommand(family)), yargs).demandCommand(1),
  handler: () => {},
};
