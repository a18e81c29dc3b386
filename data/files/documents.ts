// Documents of a corpus file, read in pieces: plain text is one document, each line of a .jsonl file is one.

import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import {BmojoError} from '../../errors/bmojo-error.js';
import {quoted} from '../tokenizers/quoted.js';

/** A corpus that cannot be read; the message says which file, where and why. */
export class CorpusError extends BmojoError {
  override readonly name = 'CorpusError';
  readonly kind = 'damage';
}

export interface Piece {
  readonly text: string;
  /** Whether the text begins a document; otherwise it continues the one before. */
  readonly begins: boolean;
}

/** The last place from a code unit on where text may be divided; 0 where there is none. */
export type LastCut = (text: string, from: number) => number;

/** Bytes read at a time. */
const BLOCK = 1 << 20;
/** Code units that are held where a document may not be divided. */
const MOST = 1 << 27;

/** Text of a file in blocks, without a byte order mark at its begin. Errors: CorpusError when it cannot be read or is not UTF-8. */
function* blocks(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new CorpusError(`corpus: ${path} cannot be opened: ${messageOf(error)}`);
  }
  if (fstatSync(file).isDirectory()) {
    closeSync(file);
    throw new CorpusError(`corpus: ${path} must be a file, is a folder; name the files in it`);
  }
  const decoder = new TextDecoder('utf-8', {fatal: true});
  const bytes = new Uint8Array(BLOCK);
  let offset = 0;
  try {
    for (;;) {
      const got = readBlock(path, file, bytes);
      let text: string;
      try {
        text = decoder.decode(bytes.subarray(0, got), {stream: got > 0});
      } catch {
        throw new CorpusError(
          `corpus: ${path} must be UTF-8; bytes that are not lie between ${Math.max(0, offset - 3)} and ${offset + got}`,
        );
      }
      offset += got;
      if (text.length > 0) yield text;
      if (got === 0) return;
    }
  } finally {
    closeSync(file);
  }
}

function readBlock(path: string, file: number, bytes: Uint8Array): number {
  try {
    return readSync(file, bytes, 0, bytes.length, null);
  } catch (error) {
    throw new CorpusError(`corpus: ${path} cannot be read: ${messageOf(error)}`);
  }
}

/** A document's line of a file of lines. */
function isDocument(value: unknown): value is {readonly text: string} {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string';
}

/** Whether the first line that is not blank is a document, when it is whole in the first block of the file. */
function beginsWithDocument(block: string): boolean {
  const [line] = block.trimStart().split('\n', 1);
  if (!line.startsWith('{')) return false;
  try {
    return isDocument(JSON.parse(line));
  } catch {
    return false;
  }
}

/**
 * The documents of a file: a text is one, and so is each line {"text": ...} of a .jsonl file or of one that begins with such a
 * line. A long document comes in several pieces. Errors: CorpusError.
 */
export function* documents(path: string, lastCut: LastCut): Generator<Piece> {
  const read = blocks(path);
  const {value: first = ''} = read.next();
  const all = (function* () {
    if (first !== '') yield first;
    yield* read;
  })();
  if (/\.(jsonl|ndjson)$/i.test(path) || beginsWithDocument(first)) yield* lineDocuments(path, all, lastCut);
  else yield* textDocument(path, all, lastCut);
}

/** Pieces of one document that comes in blocks. Each block is looked at once, however far apart the places to divide are. */
function* pieces(path: string, read: Iterable<string>, lastCut: LastCut): Generator<Piece> {
  let waiting: string[] = [];
  let held = 0;
  let begins = true;
  let before = '';
  for (const block of read) {
    // Counted in the block; its begin is a place as well, where something stands before it.
    const cut = lastCut(before + block, before.length) - before.length;
    if (cut > 0 || (cut === 0 && before !== '')) {
      yield {text: waiting.join('') + block.slice(0, cut), begins};
      begins = false;
      waiting = [block.slice(cut)];
      held = block.length - cut;
    } else {
      waiting.push(block);
      held += block.length;
    }
    if (held > MOST)
      throw new CorpusError(
        `corpus: ${path} has ${held} characters on end between which this tokenizer allows no division; ` +
          'make documents of it, such as a line {"text": ...} for each',
      );
    before = block.slice(-1);
  }
  const rest = waiting.join('');
  if (rest.length > 0) yield {text: rest, begins};
}

function* textDocument(path: string, read: Iterable<string>, lastCut: LastCut): Generator<Piece> {
  let found = false;
  for (const piece of pieces(path, read, lastCut)) {
    found = true;
    yield piece;
  }
  if (!found) throw new CorpusError(`corpus: ${path} is empty`);
}

/** Lines of text that comes in blocks. */
function* linesOf(path: string, read: Iterable<string>): Generator<string> {
  let waiting: string[] = [];
  let held = 0;
  for (const block of read) {
    const lines = block.split('\n');
    const last = lines.pop() ?? '';
    if (lines.length > 0) {
      lines[0] = waiting.join('') + lines[0];
      yield* lines;
      [waiting, held] = [[], 0];
    }
    waiting.push(last);
    held += last.length;
    if (held > MOST) throw new CorpusError(`corpus: ${path} has a line of more than ${MOST} characters`);
  }
  yield waiting.join('');
}

function* blocksOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += BLOCK) yield text.slice(at, at + BLOCK);
}

function* lineDocuments(path: string, read: Iterable<string>, lastCut: LastCut): Generator<Piece> {
  let line = 0;
  let found = 0;
  for (const text of linesOf(path, read)) {
    line++;
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new CorpusError(`corpus: ${path} line ${line} is no JSON: ${messageOf(error)}`);
    }
    if (!isDocument(value))
      throw new CorpusError(
        `corpus: ${path} line ${line} must be an object with a "text", got ${quoted(text)}`,
      );
    found++;
    yield* pieces(path, blocksOf(value.text), lastCut);
  }
  if (found === 0) throw new CorpusError(`corpus: ${path} holds no documents`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
