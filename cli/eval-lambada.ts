// `bmojo eval lambada FILE`: the last words of passages that the user has.

import {basename} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {readPassages} from '../data/files/passages.js';
import {evaluateLambada, lambadaRecord} from '../eval/lambada.js';
import {openTrained} from '../experiments/trained.js';
import {onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {checkStream, evaluationStoreOptions, withEvaluationStore} from './evaluation-store.js';
import {checkpointOptions, expressed, loadLanguageRun} from './language-run.js';
import {wholeOption} from './number-options.js';
import {publish, typedCommand} from './publish.js';

type Args = Record<string, unknown>;

async function execute(argv: Args): Promise<void> {
  const file = String(argv.file);
  const all = readPassages(file);
  const passages = argv.passages === undefined ? all : all.slice(0, Number(argv.passages));
  checkStream(argv);
  const trained = await openTrained(String(argv.checkpoint));
  const tokenizer = trained.tokenizer();
  for (const [i, {context, target}] of passages.entries())
    expressed(`passage ${i + 1} of ${file}`, () => tokenizer.encode(context + target));
  const run = await loadLanguageRun(trained, argv);
  const {folder, model, step} = run;
  const progress = new CountProgress(process.stderr, passages.length);
  const report = await withEvaluationStore(run, argv, reading =>
    evaluateLambada(reading, tokenizer, passages, {
      batch: 16,
      startTokens: folder.startTokens,
      onProgress: count => progress.advance(count, 'lambada'),
    }),
  );
  progress.end();
  model.model.dispose();
  const record = lambadaRecord(report, {
    file: basename(file),
    model: folder.config.model.preset,
    command: typedCommand(),
    step,
  });
  publish(folder.path, record, {json: argv.json, numbers: {step, ...report}});
}

export const lambadaCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) => {
    const options = {
      ...checkpointOptions,
      ...evaluationStoreOptions,
      passages: wholeOption('how many passages, from the first; all unless given'),
      json: {type: 'boolean' as const, describe: 'print JSON'},
    };
    return yargs
      .positional('file', {type: 'string', demandOption: true, describe: 'JSON lines, {"text": "..."} each'})
      .options(options)
      .check(onlyOptions(options, 'file'))
      .example('$0 eval lambada lambada_test.jsonl --checkpoint runs/books', 'accuracy and perplexity');
  },
  handler: execute,
};
