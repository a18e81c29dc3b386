// What evaluations of text need of a run: its model, its tokenizer, its held-out tokens or a text of the user's.

import {basename, join} from 'node:path';
import {SettingError} from '../config/schema.js';
import {checkSameTokenizer, closeData, openData, readTokenizer} from '../data/files/index.js';
import {memoryTokens, type TokenSource} from '../data/token-source.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {loadRunModel} from '../experiments/run.js';
import {RunFolder, RunFolderError} from '../experiments/run-folder.js';
import type {LanguageModel} from '../models/language-model.js';
import {loadingOptions, loadOptions} from './load-options.js';
import {optionText} from './option-file.js';

export interface LanguageRun {
  readonly folder: RunFolder;
  readonly model: LanguageModel;
  readonly step: number;
  readonly tokenizer: Tokenizer;
}

export const checkpointOptions = {
  checkpoint: {type: 'string' as const, demandOption: true, describe: 'run folder made by bmojo train lm'},
  ...loadingOptions,
};

/** Errors: RunFolderError when the run is of another task. */
export function languageFolder(path: string): RunFolder {
  const folder = RunFolder.open(path);
  if (folder.config.task !== 'lm')
    throw new RunFolderError(
      `${path} is a run of task ${folder.config.task}; text needs a run of bmojo train lm`,
    );
  return folder;
}

export async function openLanguageRun(argv: Readonly<Record<string, unknown>>): Promise<LanguageRun> {
  const path = String(argv.checkpoint);
  const folder = languageFolder(path);
  const tokenizer = readTokenizer(join(path, 'tokenizer.json'));
  const {model, step} = await loadRunModel(folder, await loadOptions(folder, argv));
  return {folder, model, step, tokenizer};
}

/** Tokens of a training sample, those of all segments. */
export function trainedTokens({config: {data}}: RunFolder): number {
  return Number(data.context) * Number(data.segments);
}

/** The tokens of a text file, as one document. Errors: SettingError, TokenizerError. */
export function textTokens(path: string, tokenizer: Tokenizer): TokenSource {
  const text = optionText('--text', path);
  const ids = tokenizer.encode(text);
  if (ids.length === 0) throw new SettingError(`--text: ${path} is empty`);
  return memoryTokens([ids], tokenizer.vocabSize, Buffer.byteLength(text), id => tokenizer.bytesOf(id));
}

/** The user's text, or the held-out split of `data`, with its name in words. */
export async function withTokens<T>(
  {folder, tokenizer}: LanguageRun,
  {text, data}: {text?: unknown; data?: unknown},
  use: (source: TokenSource, name: string) => Promise<T>,
): Promise<T> {
  if (typeof text === 'string') return use(textTokens(text, tokenizer), basename(text));
  const path = typeof data === 'string' ? data : String(folder.config.data.data);
  const opened = openData(path);
  try {
    checkSameTokenizer(folder.path, opened);
    return await use(opened.valid, `the held-out split of ${basename(path)}`);
  } finally {
    closeData(opened);
  }
}
