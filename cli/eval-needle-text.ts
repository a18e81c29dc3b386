// `bmojo eval needle-text`: needles in a haystack of text, for language models.

import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import {leastNeedleTokens, needleKinds} from '../data/needle-text.js';
import type {NeedleTextCell} from '../eval/needle-text.js';
import {evaluateNeedleText, needleTextRecord} from '../eval/needle-text.js';
import {openTrained} from '../experiments/trained.js';
import {onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {checkStream, evaluationStoreOptions, withEvaluationStore} from './evaluation-store.js';
import {checkpointOptions, expressed, loadLanguageRun, trainedOption, trainedTokens} from './language-run.js';
import {combinations, numberList, wordList} from './lists.js';
import {numbersOption, seedOption, wholeOption, wholesOption, wordsOption} from './number-options.js';
import {publish, typedCommand} from './publish.js';

type Args = Record<string, unknown>;

async function execute(argv: Args): Promise<void> {
  checkStream(argv);
  const kinds = wordList('kinds', String(argv.kinds), needleKinds);
  const lengths = numberList('lengths', String(argv.lengths));
  const depths = numberList('depths', String(argv.depths));
  const [samples, seed] = [Number(argv.samples), Number(argv.seed)];
  const trained = await openTrained(String(argv.checkpoint));
  const tokenizer = trained.tokenizer();
  const trainedLength = trainedTokens(trained, argv);
  // Before anything is loaded or computed: the whole grid must be possible.
  const least = expressed('the English and the digits of needle-text', () =>
    leastNeedleTokens({kinds, samples, seed}, tokenizer),
  );
  const short = lengths.filter(length => length < least.tokens);
  if (short.length > 0)
    throw new SettingError(
      `--lengths must be at least ${least.tokens} for ${least.kind} with this tokenizer, got ${short.join(', ')}`,
    );
  const run = await loadLanguageRun(trained, argv);
  const {folder, model, step} = run;
  const grid = kinds.flatMap(kind =>
    combinations([
      {key: 'length', values: lengths},
      {key: 'depth', values: depths},
    ]).map(one => ({kind, length: Number(one.length), depth: Number(one.depth)})),
  );
  const progress = new CountProgress(
    process.stderr,
    grid.reduce((sum, {length}) => sum + length, 0),
  );
  const cells: NeedleTextCell[] = [];
  await withEvaluationStore(run, argv, async reading => {
    for (const place of grid) {
      const options = {...place, samples, seed, batch: 8, startTokens: folder.startTokens};
      cells.push(await evaluateNeedleText(reading, tokenizer, options));
      progress.advance(place.length, `needle-text ${place.kind} ${place.length}`);
    }
  });
  progress.end();
  model.model.dispose();
  const record = needleTextRecord(cells, {
    command: typedCommand(),
    step,
    trained: trainedLength,
  });
  publish(folder.path, record, {json: argv.json, numbers: {step, cells}, seeds: {samples: seed}});
}

export const needleTextCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) => {
    const options = {
      ...checkpointOptions,
      ...trainedOption,
      ...evaluationStoreOptions,
      kinds: {...wordsOption('forms, separated by commas', needleKinds), default: needleKinds.join(',')},
      lengths: {
        ...wholesOption(
          "tokens of prompt and answer by the run's tokenizer, separated by commas",
          1,
          2 ** 24,
        ),
        default: '512,1024,2048,4096,8192',
      },
      depths: {
        ...numbersOption(
          'places of the wanted needle in the haystack, separated by commas, 0 its start, 1 its end',
          0,
          1,
        ),
        default: '0,0.25,0.5,0.75,1',
      },
      samples: {...wholeOption('prompts for each form, length and depth'), default: 20},
      seed: {...seedOption('seed of keys, numbers and places'), default: 1},
      json: {type: 'boolean' as const, describe: 'print JSON'},
    };
    return yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 eval needle-text --checkpoint runs/books --kinds single --lengths 1024,4096',
        'one form, two lengths',
      );
  },
  handler: execute,
};
