// Documents of a corpus file, read in pieces: plain text is one document, each line of a .jsonl file is one.

import {closeSync, openSync, readSync} from 'node:fs';
import {BmojoError} from '../../errors/bmojo-error.js';

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

const BLOCK = 1 << 20;
/** Before a line break that follows a letter or digit no tokenizer joins two words. */
const CUT = /[\p{L}\p{N}]\n/gu;

/** Text of a file in blocks. Errors: CorpusError when it cannot be read or is not UTF-8. */
function* blocks(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new CorpusError(`corpus: ${path} cannot be opened: ${messageOf(error)}`);
  }
  const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
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

/**
 * The documents of a file. With `whole`, a document is one piece; otherwise it may come in several, cut where no word
 * is. Lines of a .jsonl file are objects with a `text`. Errors: CorpusError.
 */
export function* documents(path: string, {whole}: {whole: boolean}): Generator<Piece> {
  if (path.endsWith('.jsonl')) yield* lineDocuments(path);
  else yield* textDocument(path, whole);
}

function* textDocument(path: string, whole: boolean): Generator<Piece> {
  let rest = '';
  let begins = true;
  for (const block of blocks(path)) {
    rest += block;
    if (whole) continue;
    let cut = 0;
    for (const match of rest.matchAll(CUT)) cut = match.index + match[0].length - 1;
    if (cut === 0) continue;
    yield {text: rest.slice(0, cut), begins};
    begins = false;
    rest = rest.slice(cut);
  }
  if (rest.length > 0) yield {text: rest, begins};
  else if (begins) throw new CorpusError(`corpus: ${path} is empty`);
}

function* lineDocuments(path: string): Generator<Piece> {
  let rest = '';
  let line = 0;
  let found = 0;
  const parse = (text: string): Piece[] => {
    line++;
    if (text.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new CorpusError(`corpus: ${path} line ${line} is no JSON: ${messageOf(error)}`);
    }
    if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string')
      throw new CorpusError(
        `corpus: ${path} line ${line} must be an object with a "text", got ${text.slice(0, 60)}`,
      );
    found++;
    return value.text === '' ? [] : [{text: value.text, begins: true}];
  };
  for (const block of blocks(path)) {
    const lines = (rest + block).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield* parse(text);
  }
  yield* parse(rest);
  if (found === 0) throw new CorpusError(`corpus: ${path} holds no documents`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
