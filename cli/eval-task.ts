// `bmojo eval TASK`: the accuracy of a run's model on its task, at any setting, length or distance, beside its memory.

import type {Argv, CommandModule} from 'yargs';
import {optionName, SettingError} from '../config/schema.js';
import type {Task, TaskFamily} from '../data/task.js';
import {evaluateRecall} from '../eval/recall.js';
import {textTable} from '../eval/table.js';
import type {TaskVariant} from '../eval/task-record.js';
import {taskRecord, variantWords} from '../eval/task-record.js';
import {EVAL_BATCH, windowReach} from '../experiments/families/recall.js';
import {unseenSeed} from '../experiments/run.js';
import {RunFolderError} from '../experiments/run-folder.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {asOption, onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {checkStream, evaluationStoreOptions, withEvaluationStore} from './evaluation-store.js';
import type {SettingValue} from './lists.js';
import {combinations, valueList} from './lists.js';
import {checkpointWords, loadOptions, loadOptionsGroup} from './load-options.js';
import {listOption, seedOption, wholeOption} from './number-options.js';
import {publish, typedCommand} from './publish.js';

type Args = Record<string, unknown>;

/** Tokens that a variant reads by default, at most: long samples are fewer. */
const TOKENS = 1 << 20;
const MOST_SAMPLES = 1000;
const LEAST_SAMPLES = 50;

interface Planned {
  readonly settings: Record<string, SettingValue>;
  readonly task: Task;
  /** Tokens of a held-out sample. */
  readonly length: number;
  readonly samples: number;
}

/**
 * What is evaluated unless the user says otherwise: the values that the run knows, then the family's own, without those
 * that do not go with the run's other settings, such as more pairs than its vocabulary has keys.
 */
function possible(family: TaskFamily, {config: {data}}: Trained): Record<string, SettingValue>[] {
  const trained = family.trained?.(data) ?? {};
  const swept = Object.entries(family.sweep ?? {}).map(([key, values]) => ({
    key,
    values: [...new Set([...(trained[key] ?? []), ...(values ?? [])])],
  }));
  const refused: {variant: string; error: SettingError}[] = [];
  const kept = combinations(swept).filter(settings => {
    try {
      family.create({...data, ...settings});
      return true;
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      refused.push({variant: Object.values(settings).join(' '), error});
      return false;
    }
  });
  if (refused.length > 0) {
    if (kept.length === 0) throw refused[0].error;
    const names = refused.map(({variant}) => variant).join(', ');
    console.error(
      `left out, since the run's settings do not allow it: ${names} (${refused[0].error.named(asOption)})`,
    );
  }
  return kept;
}

function plan(family: TaskFamily, folder: Trained, argv: Args): Planned[] {
  const {config} = folder;
  const given = Object.entries(family.schema).flatMap(([key, field]) => {
    const option = argv[optionName(key)];
    return typeof option === 'string' ? [{key, values: valueList(optionName(key), field, option)}] : [];
  });
  const variants = given.length > 0 ? combinations(given) : possible(family, folder);
  return variants.map(settings => {
    const task = family.create({...config.data, ...settings});
    if (task.vocabSize !== config.model.vocabSize) {
      throw new SettingError(
        `eval: the model has ${config.model.vocabSize} token ids, the task with ${variantWords(settings)} has ${task.vocabSize}`,
      );
    }
    const {length} = task.sample({seed: 1, split: 'test', index: 0}).inputs;
    const fitting = Math.max(LEAST_SAMPLES, Math.min(MOST_SAMPLES, Math.floor(TOKENS / length)));
    return {
      settings,
      task,
      length,
      samples: argv.samples === undefined ? fitting : Number(argv.samples),
    };
  });
}

async function execute(family: TaskFamily, argv: Args): Promise<void> {
  const folder = await openTrained(String(argv.checkpoint));
  if (folder.config.task !== family.name)
    throw new RunFolderError(
      `${folder.path} was trained on ${folder.config.task ?? 'a task it does not name'}, not ${family.name}`,
    );
  checkStream(argv);
  const seed = argv.seed === undefined ? unseenSeed(folder.config.seed ?? 0) : Number(argv.seed);
  const planned = plan(family, folder, argv);
  const {weights, backend, dtype} = await loadOptions(folder, argv);
  const loaded = await folder.load(weights, backend, dtype);
  const {model, step} = loaded;
  const total = planned.reduce((sum, {length, samples}) => sum + length * samples, 0);
  const progress = new CountProgress(process.stderr, total);
  const variants: TaskVariant[] = [];
  await withEvaluationStore(loaded, argv, async reading => {
    for (const {settings, task, length, samples} of planned) {
      const report = await evaluateRecall(reading, task, {
        seed,
        samples,
        batch: EVAL_BATCH,
        reach: windowReach(model.config),
        onProgress: count => progress.advance(count * length, `${family.name} ${variantWords(settings)}`),
      });
      const {chance} = task;
      variants.push({settings, length, chance, stateBytes: model.stateBytes(length), report});
    }
  });
  progress.end();
  model.model.dispose();
  const record = taskRecord({
    family,
    variants,
    trained: folder.config.data,
    model: folder.config.model.preset,
    command: typedCommand(),
    step,
  });
  const distances = variants
    .filter(({report}) => report.byDistance.length > 1)
    .map(({settings, report}) =>
      textTable([
        [
          ['distance', variantWords(settings)].filter(words => words !== '').join(', '),
          'questions',
          'accuracy',
        ],
        ...report.byDistance.map(slice => [
          `${slice.from}-${slice.to}`,
          slice.queries,
          `${(100 * slice.accuracy).toFixed(1)} %`,
        ]),
      ]),
    );
  const mean = variants.reduce((sum, {report}) => sum + report.accuracy, 0) / variants.length;
  const summary =
    variants.length > 1 ? [`mean accuracy of ${variants.length}: ${(100 * mean).toFixed(1)} %`] : [];
  publish(folder.path, record, {
    json: argv.json,
    seeds: {samples: seed},
    numbers: {step, variants: variants.map(({settings, ...rest}) => ({...settings, ...rest}))},
    words: [`checkpoint of step ${step}`, textTable(record.table), ...summary, ...distances].join('\n\n'),
  });
}

export function taskEvaluation(family: TaskFamily): CommandModule<object, Args> {
  const swept = Object.entries(family.sweep ?? {}).map(
    ([key, values]) => `--${optionName(key)} ${values?.join(',')}`,
  );
  return {
    command: family.name,
    describe: family.summary,
    builder: (yargs: Argv<object>) => {
      const settings = Object.entries(family.schema).map(([key, field]) => [
        optionName(key),
        {
          ...listOption(
            `${field.why}; several values separated by commas${field.kind === 'choice' ? ` (${field.choices.join(', ')})` : ''}`,
            field,
          ),
          group: `Task ${family.name} [default: as trained${swept.length > 0 ? `, and ${swept.join(' ')}` : ''}]`,
        },
      ]);
      const options = {
        checkpoint: {type: 'string' as const, demandOption: true, describe: checkpointWords},
        ...loadOptionsGroup,
        ...evaluationStoreOptions,
        samples: wholeOption(
          `held-out samples of each variant; unless given ${MOST_SAMPLES}, fewer when they are long, at least ${LEAST_SAMPLES}`,
        ),
        seed: seedOption(
          "seed of the held-out samples; unless given the next one behind the training's, whose own have chosen the best weights",
        ),
        json: {type: 'boolean' as const, describe: 'print JSON'},
        ...Object.fromEntries(settings),
      };
      return yargs
        .options(options)
        .check(onlyOptions(options))
        .example(`$0 eval ${family.name} --checkpoint runs/first`, 'accuracy by distance, table and plot')
        .example(
          `$0 eval ${family.name} --checkpoint runs/first --${optionName(Object.keys(family.schema)[1])} ...`,
          'other settings than trained, every combination of them',
        );
    },
    handler: argv => execute(family, argv),
  };
}
