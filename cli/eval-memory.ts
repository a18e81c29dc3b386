// `bmojo eval memory`: what each layer stores of a sequence, when and why, and where its attention goes.

import {basename} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {TextStream} from '../data/tokenizers/index.js';
import {memoryRecord} from '../eval/memory-record.js';
import {memoryView} from '../eval/memory-view.js';
import {taskOf} from '../experiments/run.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {asLanguageModel} from '../models/create.js';
import {checkExclusive, onlyOptions} from './command-line.js';
import {checkpointOptions, loadLanguageRun, optionTokens, withTokens} from './language-run.js';
import {modelName} from './layer-words.js';
import {loadOptions} from './load-options.js';
import {wholeOption} from './number-options.js';
import {publish, typedCommand} from './publish.js';

type Args = Record<string, unknown>;

interface Sequence {
  readonly tokens: Int32Array;
  readonly words: string;
  /** What each token says. */
  readonly pieces: readonly string[];
}

/** The text that each token completes. */
function piecesOf(tokens: Int32Array, tokenizer: Tokenizer): string[] {
  const stream = new TextStream(tokenizer);
  return Array.from(tokens, id => stream.push(id));
}

async function taskSequence(folder: Trained, name: string, argv: Args) {
  if (argv.text !== undefined || argv.prompt !== undefined || argv.length !== undefined)
    throw new SettingError(
      '--text, --prompt and --length are for language models; choose a sample with --sample',
    );
  const task = taskOf({task: name, data: folder.config.data});
  const {weights, backend, dtype} = await loadOptions(folder, argv);
  const {model: loaded, step} = await folder.load(weights, backend, dtype);
  const model = asLanguageModel(loaded);
  const index = Number(argv.sample ?? 0);
  const {inputs} = task.sample({seed: 1, split: 'test', index});
  const sequence: Sequence = {
    tokens: inputs,
    words: `held-out sample ${index} of ${task.name}`,
    pieces: Array.from(inputs, id => `${id} `),
  };
  return {model, step, sequence};
}

/** Errors: SettingError for a sample of the held-out texts where another text is given. */
function checkSample({prompt, text, sample}: Args): void {
  if (sample !== undefined && (prompt ?? text) !== undefined)
    throw new SettingError('--sample is one of the held-out texts; it goes without --prompt and --text');
}

async function textSequence(folder: Trained, argv: Args) {
  checkSample(argv);
  const run = await loadLanguageRun(folder, argv);
  const {model, step, tokenizer} = run;
  if (typeof argv.prompt === 'string') {
    const tokens = optionTokens('--prompt', argv.prompt, tokenizer);
    const sequence: Sequence = {tokens, words: 'the prompt given', pieces: piecesOf(tokens, tokenizer)};
    return {model, step, sequence};
  }
  const sequence = await withTokens(run, argv, async (source, name): Promise<Sequence> => {
    const length = Math.min(source.count, Number(argv.length ?? 512));
    const sample = Number(argv.sample ?? 0);
    if (sample > 0 && sample * length >= source.count)
      throw new SettingError(
        `--sample must be below ${Math.ceil(source.count / length)}: ${basename(name)} has ${source.count} tokens`,
      );
    // The last sample ends with the text.
    const offset = Math.min(sample * length, source.count - length);
    const tokens = source.read(offset, length);
    return {
      tokens,
      words: `${length} tokens of ${basename(name)}`,
      pieces: piecesOf(tokens, tokenizer),
    };
  });
  return {model, step, sequence};
}

async function execute(argv: Args): Promise<void> {
  checkExclusive(argv, 'prompt', 'text');
  checkExclusive(argv, 'prompt', 'length');
  const folder = await openTrained(String(argv.checkpoint));
  // Folders that name no task are models of text, such as those of Hugging Face.
  const {task = 'lm'} = folder.config;
  const {model, step, sequence} =
    task === 'lm' ? await textSequence(folder, argv) : await taskSequence(folder, task, argv);
  if (sequence.tokens.length === 0) throw new SettingError('--prompt: the text has no tokens');
  const view = await memoryView(model, sequence.tokens);
  model.model.dispose();
  const record = memoryRecord({
    view,
    model: modelName(folder.config.model),
    sequence: sequence.words,
    pieces: sequence.pieces,
    command: typedCommand(),
    step,
  });
  publish(folder.path, record, {json: argv.json, numbers: view});
}

export const memoryCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) => {
    const options = {
      ...checkpointOptions,
      sample: wholeOption('number of the held-out sample, 0 unless given', 0),
      prompt: {type: 'string' as const, describe: 'language models: the text to read'},
      text: {type: 'string' as const, describe: 'language models: the file whose beginning is read'},
      length: wholeOption('language models: tokens to read, 512 unless given'),
      json: {type: 'boolean' as const, describe: 'print every number as JSON'},
    };
    return yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 eval memory --checkpoint runs/recall --sample 3',
        'table, evaluations/memory.svg and .json',
      )
      .example(
        '$0 eval memory --checkpoint runs/books --text novel.txt --length 2048',
        'a language model at reading',
      );
  },
  handler: execute,
};
