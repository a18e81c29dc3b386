// What evaluations of text need of a run: its model, its tokenizer, its held-out tokens or a text of the user's.

import {basename} from 'node:path';
import {SettingError} from '../config/schema.js';
import {checkSameTokenizer, closeData, openData} from '../data/files/index.js';
import {memoryTokens, type TokenSource} from '../data/token-source.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {TokenizerError} from '../data/tokenizers/index.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {asLanguageModel} from '../models/create.js';
import type {LanguageModel} from '../models/language-model.js';

import {checkpointWords, loadOptions, loadOptionsGroup} from './load-options.js';
import {wholeOption} from './number-options.js';
import {optionText} from './option-file.js';

export interface LanguageRun {
  readonly folder: Trained;
  readonly model: LanguageModel;
  readonly step: number;
  /** SHA-256 of the weights. */
  readonly digest: string;
  readonly tokenizer: Tokenizer;
}

export const checkpointOptions = {
  checkpoint: {type: 'string' as const, demandOption: true as const, describe: checkpointWords},
  ...loadOptionsGroup,
};

/** Opens the language model of `--checkpoint`. Errors: RunFolderError without a tokenizer; as of `openTrained`. */
export async function openLanguageRun(argv: Readonly<Record<string, unknown>>): Promise<LanguageRun> {
  return loadLanguageRun(await openTrained(String(argv.checkpoint)), argv);
}

/** As `openLanguageRun`, for a folder that is open. */
export async function loadLanguageRun(
  folder: Trained,
  argv: Readonly<Record<string, unknown>>,
): Promise<LanguageRun> {
  const tokenizer = folder.tokenizer();
  const {weights, backend, dtype} = await loadOptions(folder, argv);
  const {model, ...rest} = await folder.load(weights, backend, dtype);
  return {folder, model: asLanguageModel(model), tokenizer, ...rest};
}

/** Tokens of a training sample, those of all segments; undefined where nobody knows. */
export function trainedContext({config: {data}}: Trained): number | undefined {
  return data.context === undefined ? undefined : Number(data.context) * Number(data.segments ?? 1);
}

/** For evaluations that ask how long the samples were that a model was trained on. */
export const trainedOption = {
  trained: wholeOption('tokens of the samples that it was trained on, where the folder does not say'),
};

/** As `trainedContext`, else what `--trained` says. Errors: SettingError where nobody knows, and where both do. */
export function trainedTokens(trained: Trained, argv: Readonly<Record<string, unknown>>): number {
  const {path} = trained;
  const tokens = trainedContext(trained);
  if (argv.trained === undefined) {
    if (tokens !== undefined) return tokens;
    throw new SettingError(
      `${path} does not say how long the samples were that it was trained on; name it with --trained TOKENS`,
    );
  }
  if (tokens !== undefined)
    throw new SettingError(
      `--trained: ${path} says itself that its samples had ${tokens} tokens; leave it away`,
    );
  return Number(argv.trained);
}

/** What `encode` gives. Errors: SettingError that says whose text it is which the vocabulary cannot express. */
export function expressed<T>(whose: string, encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    throw new SettingError(`${whose}: ${error.message.replace(/^encode: /, '')}`);
  }
}

/** The tokens of what an option says. Errors: SettingError naming the option. */
export function optionTokens(option: string, text: string, tokenizer: Tokenizer): Int32Array {
  return expressed(option, () => tokenizer.encode(text));
}

/** The tokens of a text file, as one document. Errors: SettingError. */
export function textTokens(path: string, tokenizer: Tokenizer): TokenSource {
  const text = optionText('--text', path);
  const ids = optionTokens('--text', text, tokenizer);
  if (ids.length === 0) throw new SettingError(`--text: ${path} is empty`);
  return memoryTokens([ids], tokenizer.vocabSize, Buffer.byteLength(text), id => tokenizer.bytesOf(id));
}

/** The user's text, or else the held-out split of `data`, with its name in words. */
export async function withTokens<T>(
  {folder, tokenizer}: LanguageRun,
  {text, data}: {text?: unknown; data?: unknown},
  use: (source: TokenSource, name: string) => Promise<T>,
): Promise<T> {
  if (typeof text === 'string') return use(textTokens(text, tokenizer), basename(text));
  const path = typeof data === 'string' ? data : folder.config.data.data;
  if (typeof path !== 'string')
    throw new SettingError(
      `${folder.path} does not say which text it was trained on; name one with --text or --data`,
    );
  const opened = openData(path);
  try {
    checkSameTokenizer(folder.tokenizerFolder, opened);
    return await use(opened.valid, `the held-out split of ${basename(path)}`);
  } finally {
    closeData(opened);
  }
}
