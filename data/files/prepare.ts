// From text files to a data folder. Files are read in pieces, twice: once to count, once to encode.

import {existsSync, mkdirSync, readdirSync, rmdirSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {isDraft, writeFileAtomic} from '../../formats/atomic-file.js';
import {FolderLock, LOCK} from '../../formats/folder-lock.js';
import {sealedJson} from '../../formats/json-file.js';
import {cutsAnywhere, lastCut} from '../tokenizers/cuts.js';
import type {Tokenizer} from '../tokenizers/index.js';
import {byteTokenizer, CharacterCollector, charTokenizer, tokenizerDigest} from '../tokenizers/index.js';
import {quoted} from '../tokenizers/quoted.js';
import type {DataSummary, SplitName, SplitSummary} from './data-folder.js';
import {readTokenizer, splitFile, splitNames} from './data-folder.js';
import type {LastCut} from './documents.js';
import {CorpusError, documents} from './documents.js';
import {fileChecksum} from './file-checksum.js';
import {withRegularFiles} from './regular-files.js';
import {TokenFile} from './token-file.js';
import {TokenWriter} from './token-writer.js';

/** Options of {@link prepareData}: `files`, `tokenizer` and `out` must be given. */
export interface PrepareOptions {
  /** Text files, and .jsonl files with one document a line. */
  readonly files: readonly string[];
  /** Files of the valid split; without them `validShare` of the text is split off. */
  readonly validFiles?: readonly string[];
  /** Share of the text, taken from its end, that becomes the valid split. Default 0.1. */
  readonly validShare?: number;
  /** `char`, `byte` or the path of a tokenizer.json. */
  readonly tokenizer: string;
  /** Folder to make. */
  readonly out: string;
  /** Told bytes of text done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

interface Survey {
  readonly textBytes: number;
  readonly characters: readonly string[];
}

/** Pieces of a survey may end anywhere between characters. */
const lastPlace: LastCut = (text, from) => lastCut(cutsAnywhere, text, from);

const byteLength = (text: string): number => Buffer.byteLength(text);

function survey(files: readonly string[], collect: boolean): Survey {
  const collector = new CharacterCollector();
  let textBytes = 0;
  for (const file of files) {
    for (const {text} of documents(file, lastPlace)) {
      textBytes += byteLength(text);
      if (collect) collector.add(text);
    }
  }
  return {textBytes, characters: collector.characters};
}

/** Splits text at a byte of its UTF-8 form, moved back to where a character begins. */
function splitAtByte(text: string, at: number): [string, string] {
  const bytes = Buffer.from(text);
  let cut = at;
  while (cut > 0 && (bytes[cut] & 0xc0) === 0x80) cut--;
  return [bytes.toString('utf8', 0, cut), bytes.toString('utf8', cut)];
}

/** Encodes pieces into a writer; documents end with the tokenizer's end-of-text token, where it has one. */
class Encoder {
  private open = false;

  constructor(
    private readonly writer: TokenWriter,
    private readonly tokenizer: Tokenizer,
  ) {}

  add(text: string, begins: boolean): void {
    if (begins) {
      this.close();
      this.writer.startDocument();
      this.open = true;
    }
    if (text.length > 0) this.writer.add(this.tokenizer.encode(text), byteLength(text));
  }

  close(): void {
    const {endOfText} = this.tokenizer;
    if (this.open && endOfText !== undefined) this.writer.add(Int32Array.of(endOfText), 0);
    this.open = false;
  }
}

/**
 * Makes a data folder. The valid split is the last share of the text (as in nanoGPT); a document on the border is divided.
 * Errors: CorpusError for files that are missing, empty or not UTF-8, and for a folder that holds something already;
 * TokenizerError for a tokenizer that cannot be read or lacks a character. Nothing is left behind then.
 */
export async function prepareData(options: PrepareOptions): Promise<DataSummary> {
  checkOptions(options);
  const {files, validFiles = []} = options;
  return withRegularFiles([...files, ...validFiles], copies => prepareFiles(options, copies));
}

/** What plain JavaScript may pass instead. Errors: CorpusError. */
function checkOptions(options: PrepareOptions): void {
  const lists = [options?.files, options?.validFiles ?? []];
  const isRight =
    lists.every(list => Array.isArray(list) && list.every(path => typeof path === 'string')) &&
    [options.tokenizer, options.out].every(value => typeof value === 'string');
  if (!isRight)
    throw new CorpusError(
      `prepareData: must be given {files, tokenizer, out}: a list of paths, 'char', 'byte' or the path of a tokenizer.json, and a folder to make, got ${quoted(options)}`,
    );
}

/** `copies`: where the bytes of each file lie. */
async function prepareFiles(
  options: PrepareOptions,
  copies: ReadonlyMap<string, string>,
): Promise<DataSummary> {
  const placeOf = (path: string): string => copies.get(path) ?? path;
  const {validShare = 0.1, out, onProgress = () => {}} = options;
  const files = options.files.map(placeOf);
  const validFiles = (options.validFiles ?? []).map(placeOf);
  if (files.length === 0) throw new CorpusError('data prepare: needs at least one file');
  if (validFiles.length === 0 && !(validShare > 0 && validShare < 1))
    throw new CorpusError(`data prepare: the valid share must lie between 0 and 1, got ${validShare}`);
  const existed = existsSync(out);
  if (existed) checkFree(out);
  const isChar = options.tokenizer === 'char';
  const named = options.tokenizer === 'byte' ? byteTokenizer() : undefined;
  const read = isChar || named !== undefined ? named : readTokenizer(options.tokenizer);
  const main = survey(files, isChar);
  const held = survey(validFiles, isChar);
  for (const [named, {textBytes}] of [
    [options.files, main],
    [options.validFiles ?? [], held],
  ] as const)
    if (named.length > 0 && textBytes === 0)
      throw new CorpusError(`corpus: ${named.join(', ')}: the documents hold no text`);
  const characters = new CharacterCollector();
  for (const character of [...main.characters, ...held.characters]) characters.add(character);
  const tokenizer = read ?? charTokenizer(characters.characters);
  const total = main.textBytes + held.textBytes;
  const cutAt = validFiles.length > 0 ? Infinity : Math.floor(main.textBytes * (1 - validShare));
  mkdirSync(out, {recursive: true});
  const lock = FolderLock.take(out);
  const writers: TokenWriter[] = [];
  const written: string[] = [];
  try {
    checkFree(out);
    for (const name of readdirSync(out)) if (name !== LOCK) rmSync(join(out, name));
    for (const split of splitNames) writers.push(new TokenWriter(splitFile(out, split), tokenizer.vocabSize));
    const [train, valid] = writers.map(writer => new Encoder(writer, tokenizer));
    let done = 0;
    const divide: LastCut = (text, from) => tokenizer.lastCut(text, from);
    for (const file of files) {
      let inValid = done >= cutAt;
      for (const {text, begins} of documents(file, divide)) {
        const bytes = byteLength(text);
        if (done + bytes <= cutAt) train.add(text, begins);
        else if (done >= cutAt) {
          valid.add(text, begins || !inValid);
          inValid = true;
        } else {
          const [first, second] = splitAtByte(text, cutAt - done);
          train.add(first, begins);
          train.close();
          valid.add(second, true);
          inValid = true;
        }
        done += bytes;
        onProgress(done, total);
      }
    }
    for (const file of validFiles) {
      for (const {text, begins} of documents(file, divide)) {
        valid.add(text, begins);
        done += byteLength(text);
        onProgress(done, total);
      }
    }
    for (const encoder of [train, valid]) encoder.close();
    for (const [i, split] of splitNames.entries()) {
      writers[i].finish();
      written.push(splitFile(out, split));
    }
    const tokenizerPath = join(out, 'tokenizer.json');
    writeFileAtomic(tokenizerPath, Buffer.from(`${JSON.stringify(tokenizer)}\n`));
    written.push(tokenizerPath);
    const sources = await Promise.all(
      [...options.files, ...(options.validFiles ?? [])].map(async path => ({
        name: basename(path),
        ...(await fileChecksum(placeOf(path))),
      })),
    );
    const summary: DataSummary = {
      version: 1,
      vocabSize: tokenizer.vocabSize,
      tokenizer: tokenizerDigest(tokenizer),
      sources,
      splits: Object.fromEntries(splitNames.map(split => [split, summaryOf(out, split)])) as Record<
        SplitName,
        SplitSummary
      >,
    };
    writeFileAtomic(join(out, 'data.json'), sealedJson(summary));
    return summary;
  } catch (error) {
    for (const writer of writers) writer.abandon();
    for (const path of written) rmSync(path, {force: true});
    lock.release();
    if (!existed && readdirSync(out).length === 0) rmdirSync(out);
    throw error;
  } finally {
    lock.release();
  }
}

/** What a preparation makes; data.json comes last, and is what makes the folder one of data. */
const MADE = [...splitNames.map(split => `${split}.tokens`), 'tokenizer.json'];

/** Errors: CorpusError for a folder that holds anything but what a killed preparation left. */
function checkFree(out: string): void {
  const isOurs = (name: string): boolean =>
    name === LOCK ||
    MADE.includes(name) ||
    (isDraft(name) && [...MADE, 'data.json', LOCK].some(made => name.startsWith(made)));
  const names = readdirSync(out);
  if (!names.every(isOurs))
    throw new CorpusError(`data prepare: ${out} exists and is not empty; choose another folder with --out`);
}

function summaryOf(folder: string, split: SplitName): SplitSummary {
  const file = TokenFile.open(splitFile(folder, split));
  const {count: tokens, textBytes, sha256, borders} = file;
  file.close();
  return {documents: borders.length - 1, tokens, textBytes, sha256};
}
