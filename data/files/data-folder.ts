// The folder that `bmojo data prepare` makes: data.json, tokenizer.json, train.tokens, valid.tokens.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {shellWord} from '../../errors/shell-word.js';
import {shown} from '../../errors/shown.js';
import {readJsonFile, readTextFile, unsealJson} from '../../formats/json-file.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import type {Tokenizer} from '../tokenizers/index.js';
import {TokenizerError, tokenizerDigest, tokenizerFromJSON} from '../tokenizers/index.js';
import {TokenFile} from './token-file.js';
import {TokenFileError} from './token-format.js';

export const splitNames = ['train', 'valid'] as const;
/** A split of a data folder: `train`, or `valid` for held-out text. */
export type SplitName = (typeof splitNames)[number];

/** Sizes of one split of a data folder, and the digest of its file. */
export interface SplitSummary {
  readonly documents: number;
  readonly tokens: number;
  readonly textBytes: number;
  /** SHA-256 of tokens and borders. */
  readonly sha256: string;
}

/** What data.json holds: the vocabulary, where the text came from, and the sizes and digests of the splits. */
export interface DataSummary {
  readonly version: 1;
  readonly vocabSize: number;
  /** Digest of tokenizer.json; absent in folders of earlier versions. */
  readonly tokenizer?: string;
  readonly sources: readonly {readonly name: string; readonly bytes: number; readonly sha256: string}[];
  readonly splits: Readonly<Record<SplitName, SplitSummary>>;
}

/** A prepared folder of text that is open for reading; to be closed with {@link closeData}. */
export interface DataFolder {
  readonly path: string;
  readonly tokenizer: Tokenizer;
  readonly summary: DataSummary;
  readonly train: TokenFile;
  readonly valid: TokenFile;
}

export const splitFile = (folder: string, split: SplitName): string => join(folder, `${split}.tokens`);

/**
 * Reads the tokenizer that a tokenizer.json holds. Errors: TokenizerError when the file is missing, no JSON,
 * or no tokenizer.
 */
export function readTokenizer(path: string): Tokenizer {
  const json = readJsonFile(path, reason => {
    throw new TokenizerError(`tokenizer: ${path} ${reason}`);
  });
  try {
    return tokenizerFromJSON(json);
  } catch (error) {
    throw error instanceof TokenizerError
      ? new TokenizerError(`${path}: ${error.message}`, error.kind)
      : error;
  }
}

export interface OpenOptions {
  /** Read every token once and compare with the checksums. Default false: the headers alone. */
  readonly verify?: boolean;
}

/** Errors: TokenFileError when the folder has no data.json of this version. */
export function readSummary(path: string): DataSummary {
  const file = join(path, 'data.json');
  if (!existsSync(file))
    throw new TokenFileError(
      `${path} is no data folder: it has no data.json; make one with npx bmojo data prepare FILES --out ${shellWord(path)}, or say with --data where it lies`,
    );
  return parseSummary(file);
}

/**
 * Opens a prepared folder: both splits, their tokenizer, and the record of what they hold; to be closed with
 * {@link closeData}.
 *
 * Errors: TokenFileError, TokenizerError for what is missing, damaged or of another corpus.
 */
export function openData(path: string, {verify = false}: OpenOptions = {}): DataFolder {
  if (typeof path !== 'string')
    throw new TokenFileError(`openData: path must be that of a data folder, got ${shown(path)}`);
  const file = join(path, 'data.json');
  const summary = readSummary(path);
  const tokenizer = readTokenizer(join(path, 'tokenizer.json'));
  if (summary.tokenizer !== undefined && summary.tokenizer !== tokenizerDigest(tokenizer))
    throw new TokenFileError(
      `${join(path, 'tokenizer.json')} is not the tokenizer that ${file} describes; prepare the data again`,
    );
  const opened: TokenFile[] = [];
  try {
    for (const split of splitNames) {
      const tokens = TokenFile.open(splitFile(path, split), id => tokenizer.bytesOf(id));
      opened.push(tokens);
      if (tokens.sha256 !== summary.splits[split]?.sha256)
        throw new TokenFileError(`${tokens.path} is not the file that ${file} describes; prepare it again`);
      if (tokens.vocabSize !== tokenizer.vocabSize)
        throw new TokenFileError(
          `${tokens.path} has a vocabulary of ${tokens.vocabSize}, its tokenizer ${tokenizer.vocabSize}; prepare it again`,
        );
      if (verify) tokens.verify();
    }
  } catch (error) {
    for (const tokens of opened) tokens.close();
    throw error;
  }
  return {path, tokenizer, summary, train: opened[0], valid: opened[1]};
}

/** Errors: TokenFileError when the file is damaged or describes nothing that can be compared. */
function parseSummary(path: string): DataSummary {
  const fail = (reason: string): never => {
    throw new TokenFileError(`${path} ${reason}`);
  };
  const {value} = unsealJson(readTextFile(path, fail), fail);
  const {version, vocabSize, tokenizer, sources, splits} = value;
  if (version !== 1) return fail(`must be of version 1, got ${shown(version)}`);
  if (!isCount(vocabSize)) return fail(`must hold vocabSize as a whole number, got ${shown(vocabSize)}`);
  if (tokenizer !== undefined && typeof tokenizer !== 'string')
    return fail(`must hold tokenizer as a digest, got ${shown(tokenizer)}`);
  if (!isRecord(splits) || !Array.isArray(sources)) return fail('must hold sources and splits');
  for (const split of splitNames) {
    const one = splits[split];
    if (!isRecord(one) || typeof one.sha256 !== 'string')
      return fail(`must hold the split ${split} with its SHA-256, got ${shown(one)}`);
    for (const key of ['documents', 'tokens', 'textBytes'])
      if (!isCount(one[key]))
        return fail(`must hold ${split}.${key} as a whole number, got ${shown(one[key])}`);
  }
  // All of it is checked above, but for the sources, which are words for people.
  return value as unknown as DataSummary;
}

/** Closes the token files of a folder that `openData` opened; they cannot be read afterwards. */
export function closeData({train, valid}: DataFolder): void {
  train.close();
  valid.close();
}

/**
 * Refuses data whose ids mean something else than those that the model of a run folder was trained on.
 * Errors: TokenFileError naming both; TokenizerError when the run's tokenizer.json cannot be read.
 */
export function checkSameTokenizer(run: string, data: Pick<DataFolder, 'path' | 'tokenizer'>): void {
  const file = join(run, 'tokenizer.json');
  if (tokenizerDigest(readTokenizer(file)) === tokenizerDigest(data.tokenizer)) return;
  throw new TokenFileError(
    `${data.path} was encoded by another tokenizer than the model of ${run}; ` +
      `prepare it with npx bmojo data prepare FILES --tokenizer ${shellWord(file)}`,
  );
}
