// `bmojo eval perplexity`: loss of text by the length of what came before.

import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import type {PerplexityOptions} from '../eval/perplexity.js';
import {evaluatePerplexity, perplexityTokens} from '../eval/perplexity.js';
import {perplexityRecords} from '../eval/perplexity-record.js';
import {textTable} from '../eval/table.js';
import {checkExclusive, onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {checkStream, evaluationStoreOptions, withEvaluationStore} from './evaluation-store.js';
import {
  checkpointOptions,
  openLanguageRun,
  trainedOption,
  trainedTokens,
  withTokens,
} from './language-run.js';
import {numberList} from './lists.js';
import {wholeOption, wholesOption} from './number-options.js';
import {keepRecords, typedCommand, writtenWords} from './publish.js';

type Args = Record<string, unknown>;

function counts(argv: Args): Omit<PerplexityOptions, 'trained'> {
  const prefixes = [...new Set(numberList('prefixes', String(argv.prefixes)))].sort((a, b) => a - b);
  const reference = argv.reference === undefined ? undefined : Number(argv.reference);
  if (reference !== undefined && !prefixes.includes(reference))
    throw new SettingError(
      `--reference must be one of the prefixes ${prefixes.join(', ')}, got ${argv.reference}`,
    );
  return {
    prefixes,
    reference,
    targets: Number(argv.targets),
    windows: Number(argv.windows),
    batch: Number(argv.batch),
  };
}

async function execute(argv: Args): Promise<void> {
  checkExclusive(argv, 'text', 'data');
  const options = counts(argv);
  checkStream(argv);
  const run = await openLanguageRun(argv);
  const progress = new CountProgress(process.stderr, perplexityTokens(options, options.windows));
  const records = await withTokens(run, argv, async (source, text) => {
    const onProgress = (tokens: number): void => progress.advance(tokens, 'perplexity');
    const trained = trainedTokens(run.folder, argv);
    const {startTokens} = run.folder;
    const report = await withEvaluationStore(run, argv, reading =>
      evaluatePerplexity(reading, source, {...options, trained, startTokens, onProgress}),
    );
    return perplexityRecords({
      report,
      model: run.folder.config.model.preset,
      text,
      trained,
      command: typedCommand(),
      step: run.step,
    });
  });
  progress.end();
  run.model.model.dispose();
  const files = keepRecords(run.folder.path, records);
  if (argv.json === true)
    console.log(JSON.stringify({step: run.step, ...(records[0].data as object)}, null, 2));
  else {
    for (const {definition, table} of records) console.log(`${definition}\n\n${textTable(table)}\n`);
    console.log(writtenWords(files).trimStart());
  }
}

export const perplexityCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) => {
    const options = {
      ...checkpointOptions,
      ...trainedOption,
      ...evaluationStoreOptions,
      prefixes: {
        ...wholesOption('tokens before the scored ones, separated by commas', 0),
        default: '0,256,512,1024,2048,4096,8192',
      },
      reference: wholeOption(
        'prefix that the change of loss is measured against; the longest that fits a training sample unless given',
        0,
      ),
      targets: {...wholeOption('tokens scored at the end of each window'), default: 256},
      windows: {...wholeOption('windows, spread over the documents'), default: 32},
      batch: {...wholeOption('windows computed at a time'), default: 8},
      text: {
        type: 'string' as const,
        describe: "text file to measure on [default: the run's held-out split]",
      },
      data: {type: 'string' as const, describe: 'prepared folder whose held-out split is measured on'},
      json: {type: 'boolean' as const, describe: 'print JSON'},
    };
    return yargs
      .options(options)
      .check(onlyOptions(options))
      .example('$0 eval perplexity --checkpoint runs/books', 'prefixes of 0 to 8k tokens')
      .example(
        '$0 eval perplexity --checkpoint runs/books --text novel.txt --windows 16',
        "a text of one's own",
      );
  },
  handler: execute,
};
