// Where the files of a model folder come from and go to; every place is read in the same way and refused in the same words.

import {shown} from '../../errors/shown.js';
import {isRecord, parseJson} from '../../formats/json-text.js';
import type {Sha256} from '../../formats/sha256/index.js';
import {startSha256} from '../../formats/sha256/index.js';
import type {WeightDType} from '../../formats/weight-dtype.js';
import {ModelFormatError} from '../model-format.js';
import type {FileEntry} from './card.js';

/** Bytes as they come. */
export type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** Which bytes are wanted, and until when. */
export interface ReadOptions {
  /** First byte that is wanted. Default 0. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

/** A folder of files to read from, whatever holds it: an address, files of a page, a disk, memory. */
export interface ModelSource {
  /** For messages: an address, the name of a folder. */
  readonly name: string;
  /** The bytes of a file, in order; undefined where there is no such file. */
  read(path: string, options?: ReadOptions): Promise<Pieces | undefined>;
  /** Bytes of a file; undefined where there is none. Places that cannot tell without reading have no such method. */
  size?(path: string): Promise<number | undefined>;
}

/** A folder of files to read from and to write to. */
export interface ModelStore extends ModelSource {
  /** Bytes of a file, also of one that was begun and not finished; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** Writes a file, or goes on behind its end. What was written stays when `pieces` fails. */
  write(
    path: string,
    pieces: Pieces | Iterable<Uint8Array<ArrayBuffer>>,
    options?: WriteOptions,
  ): Promise<void>;
}

/** How a file is written. */
export interface WriteOptions {
  /** Keep what the file holds. Default false. */
  readonly append?: boolean;
}

/** Bytes read or written so far, of those of all files of a folder. */
export interface ModelProgress {
  readonly loaded: number;
  readonly total: number;
  /** The file that is being read. */
  readonly path: string;
}

/** Options of reading and writing model folders: to be told of progress, and to abort. */
export interface TransferOptions {
  /** Is told of every piece. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Aborts reading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of reading a model to use it. */
export interface OpenOptions extends TransferOptions {
  /**
   * How the matrices of the model lie in memory: all weights that are multiplied with, and the embedding table; norms, biases,
   * convolutions and decay rates are float32 in any case. 'float16' and 'bfloat16' take half of the bytes, are for inference
   * alone, and never held in float32 all at once. Default 'float32'.
   */
  readonly dtype?: WeightDType;
}

export async function joinPieces(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const kept: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const piece of pieces) {
    kept.push(piece);
    length += piece.length;
  }
  // A piece may be a part of a larger buffer.
  if (kept.length === 1 && kept[0].buffer.byteLength === length) return kept[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of kept) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Of a file that is read as text; the largest tokenizers have a third of it. */
const MOST_TEXT = 2 ** 27;

/** Passes pieces on. Errors: ModelFormatError where there are more bytes than text may have. */
async function* asManyAsText(where: string, pieces: Pieces): Pieces {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > MOST_TEXT)
      throw new ModelFormatError(`${where} must be a text of at most ${MOST_TEXT} bytes, it has more`);
    yield piece;
  }
}

/**
 * A small file as text; undefined where there is none. Errors: ModelFormatError when it is no UTF-8, or so long that it must be
 * something else.
 */
export async function readText(
  source: ModelSource,
  path: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const pieces = await source.read(path, {signal});
  if (pieces === undefined) return undefined;
  const where = `${source.name}: ${path}`;
  return decodeText(where, await joinPieces(asManyAsText(where, pieces)));
}

/** Errors: ModelFormatError. */
export function decodeText(where: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    throw new ModelFormatError(`${where} is no text in UTF-8`);
  }
}

/** The object in JSON text. Errors: ModelFormatError, with how the text begins: many servers answer with a page. */
export function parseObject(where: string, text: string): Record<string, unknown> {
  const value = parseJson(text, () => {
    throw new ModelFormatError(`${where} is no JSON; it begins with ${shown(text.slice(0, 40))}`);
  });
  if (!isRecord(value)) throw new ModelFormatError(`${where} must hold an object, got ${shown(value)}`);
  return value;
}

/**
 * The bytes of a file as they come, held against its entry: too many, too few or others are an error at the latest behind
 * the last piece. `begun` has hashed the bytes in front of `from` already.
 * Errors: ModelFormatError; the signal's reason.
 */
export async function* verifiedPieces(
  source: ModelSource,
  {path, bytes, sha256}: FileEntry,
  {from = 0, signal, begun = startSha256()}: ReadOptions & {begun?: Sha256} = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const pieces = await source.read(path, {from, signal});
  if (pieces === undefined) throw new ModelFormatError(`${source.name}: ${path} is missing`);
  let at = from;
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    at += piece.length;
    if (at > bytes) break;
    begun.add(piece);
    yield piece;
  }
  if (at !== bytes)
    throw new ModelFormatError(
      `${source.name}: ${path} is damaged: it must have ${bytes} bytes, it has ${at > bytes ? 'more' : at}`,
    );
  if (begun.hex() !== sha256)
    throw new ModelFormatError(`${source.name}: ${path} is damaged: its SHA-256 is not the one in card.json`);
}

/** Tells how far the files of a folder are read, all together. */
export class ProgressCount {
  private loaded = 0;
  constructor(
    private readonly total: number,
    private readonly tell: TransferOptions['onProgress'],
  ) {}

  add(path: string, bytes: number): void {
    this.loaded += bytes;
    this.tell?.({loaded: this.loaded, total: this.total, path});
  }
}
