// Reads a token file by range: what lies on the disk is never in memory as a whole.

import {createHash} from 'node:crypto';
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import type {TokenSource} from '../token-source.js';
import type {TokenHeader} from './token-format.js';
import {bordersOffset, decodeHeader, fileBytes, HEADER_BYTES, TokenFileError} from './token-format.js';

const BLOCK = 1 << 20;

export class TokenFile implements TokenSource {
  /** First token of every document, ascending, then the number of tokens: [documents + 1]. */
  readonly borders: Float64Array;

  private constructor(
    readonly path: string,
    private readonly file: number,
    private readonly header: TokenHeader,
    readonly bytesOf: (id: number) => number,
  ) {
    this.borders = this.readBorders();
  }

  /** `bytesOf` is the tokenizer's; without it each token stands for the mean. Errors: TokenFileError when the file is missing, no token file, truncated, or has a damaged header. */
  static open(path: string, bytesOf?: (id: number) => number): TokenFile {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      throw new TokenFileError(`token file: ${path} cannot be opened: ${messageOf(error)}`);
    }
    try {
      const bytes = Buffer.alloc(HEADER_BYTES);
      const got = readSync(file, bytes, 0, HEADER_BYTES, 0);
      const header = decodeHeader(path, bytes.subarray(0, got));
      const {size} = fstatSync(file);
      if (size !== fileBytes(header))
        throw new TokenFileError(
          `token file: ${path} must have ${fileBytes(header)} bytes by its header, has ${size}; prepare it again`,
        );
      const mean = header.textBytes / header.tokens;
      return new TokenFile(path, file, header, bytesOf ?? (() => mean));
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  get count(): number {
    return this.header.tokens;
  }

  get vocabSize(): number {
    return this.header.vocabSize;
  }

  get textBytes(): number {
    return this.header.textBytes;
  }

  /** SHA-256 of tokens and borders, hexadecimal. */
  get sha256(): string {
    return this.header.sha256.toString('hex');
  }

  read(start: number, length: number): Int32Array {
    const {tokens, width, vocabSize} = this.header;
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(length) ||
      start < 0 ||
      length < 0 ||
      start + length > tokens
    )
      throw new RangeError(
        `token file: range must lie in [0, ${tokens}], got ${length} tokens from ${start} of ${this.path}`,
      );
    const bytes = this.readBytes(HEADER_BYTES + start * width, length * width);
    const ids = Int32Array.from(
      width === 2 ? new Uint16Array(bytes.buffer, 0, length) : new Uint32Array(bytes.buffer, 0, length),
    );
    const bad = ids.findIndex(id => id < 0 || id >= vocabSize);
    if (bad >= 0)
      throw new TokenFileError(
        `token file: ${this.path} is damaged: token ${start + bad} is ${ids[bad]}, the vocabulary has ${vocabSize}`,
      );
    return ids;
  }

  /** Reads the whole file once, in blocks. Errors: TokenFileError when it does not match its checksum. */
  verify(): void {
    const hash = createHash('sha256');
    const end = fileBytes(this.header);
    for (let at = HEADER_BYTES; at < end; at += BLOCK)
      hash.update(this.readBytes(at, Math.min(BLOCK, end - at)));
    if (!hash.digest().equals(this.header.sha256))
      throw new TokenFileError(
        `token file: ${this.path} is damaged: its content does not match its SHA-256; prepare it again`,
      );
  }

  close(): void {
    closeSync(this.file);
  }

  private readBorders(): Float64Array {
    const {documents, tokens} = this.header;
    const bytes = this.readBytes(bordersOffset(this.header), documents * 8);
    const starts = Float64Array.from(new BigUint64Array(bytes.buffer, 0, documents), Number);
    const all = new Float64Array(documents + 1);
    all.set(starts);
    all[documents] = tokens;
    const isAscending = starts.every((start, i) => start < all[i + 1]);
    if (documents < 1 || starts[0] !== 0 || !isAscending)
      throw new TokenFileError(`token file: ${this.path} is damaged: its documents do not follow each other`);
    return all;
  }

  private readBytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const got = readSync(this.file, bytes, at, length - at, offset + at);
      if (got === 0) throw new TokenFileError(`token file: ${this.path} ended while it was read`);
      at += got;
    }
    return bytes;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
