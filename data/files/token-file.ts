// Reads a token file by range: what lies on the disk is never in memory as a whole.

import {createHash} from 'node:crypto';
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import type {TokenSource} from '../token-source.js';
import type {TokenHeader} from './token-format.js';
import {
  BLOCK_BYTES,
  blockCount,
  blocksOffset,
  bordersOffset,
  DIGEST_BYTES,
  decodeHeader,
  fileBytes,
  HEADER_BYTES,
  TokenFileError,
  tokensOffset,
} from './token-format.js';

const BLOCK = 1 << 20;

/**
 * A token file, open for reading by range; whatever is read was compared with its SHA-256 first.
 *
 * Errors: RangeError for a range beyond the end; TokenFileError for a damaged file, or ids outside the
 * vocabulary.
 */
export class TokenFile implements TokenSource {
  /** First token of every document, ascending, then the number of tokens: [documents + 1]. */
  readonly borders: Float64Array;

  /** Digests of the blocks, where the file has them, and which were compared already. */
  private readonly digests: Uint8Array;
  private readonly isChecked: Uint8Array;
  /** Version 1: whether the whole file was compared. */
  private isVerified = false;

  private constructor(
    readonly path: string,
    private readonly file: number,
    private readonly header: TokenHeader,
    readonly bytesOf: (id: number) => number,
  ) {
    const blocks = blockCount(header);
    this.isChecked = new Uint8Array(blocks);
    this.digests = this.readBytes(blocksOffset(header), blocks * DIGEST_BYTES);
    if (
      header.blocks !== undefined &&
      !createHash('sha256').update(this.digests).digest().equals(header.blocks)
    )
      throw new TokenFileError(
        `token file: ${path} is damaged: its blocks' digests do not match the header; prepare it again`,
      );
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
    const bytes = this.readChecked(tokensOffset(this.header) + start * width, length * width);
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

  /** Reads the whole file, in blocks. Errors: TokenFileError when it does not match its checksum. */
  verify(): void {
    const hash = createHash('sha256');
    const end = blocksOffset(this.header);
    const read = this.header.blocks === undefined ? this.readBytes : this.readChecked;
    for (let at = tokensOffset(this.header); at < end; at += BLOCK)
      hash.update(read.call(this, at, Math.min(BLOCK, end - at)));
    if (!hash.digest().equals(this.header.sha256))
      throw new TokenFileError(
        `token file: ${this.path} is damaged: its content does not match its SHA-256; prepare it again`,
      );
    this.isVerified = true;
  }

  close(): void {
    closeSync(this.file);
  }

  private readBorders(): Float64Array {
    const {documents, tokens} = this.header;
    const bytes = this.readChecked(bordersOffset(this.header), documents * 8);
    const starts = Float64Array.from(new BigUint64Array(bytes.buffer, 0, documents), Number);
    const all = new Float64Array(documents + 1);
    all.set(starts);
    all[documents] = tokens;
    const isAscending = starts.every((start, i) => start < all[i + 1]);
    if (documents < 1 || starts[0] !== 0 || !isAscending)
      throw new TokenFileError(`token file: ${this.path} is damaged: its documents do not follow each other`);
    return all;
  }

  /** Bytes of tokens or starts, once they were compared with the digests of their blocks. */
  private readChecked(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (this.header.blocks === undefined) {
      if (!this.isVerified) this.verify();
      return this.readBytes(offset, length);
    }
    const begin = tokensOffset(this.header);
    const first = Math.floor((offset - begin) / BLOCK_BYTES);
    const end = Math.ceil((offset - begin + length) / BLOCK_BYTES);
    for (let block = first; block < end; block++) if (this.isChecked[block] === 0) this.checkBlock(block);
    return this.readBytes(offset, length);
  }

  private checkBlock(block: number): void {
    const from = tokensOffset(this.header) + block * BLOCK_BYTES;
    const bytes = this.readBytes(from, Math.min(BLOCK_BYTES, blocksOffset(this.header) - from));
    const expected = this.digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
    if (!createHash('sha256').update(bytes).digest().equals(expected))
      throw new TokenFileError(
        `token file: ${this.path} is damaged: bytes ${from} to ${from + bytes.length} do not match their SHA-256; prepare it again`,
      );
    this.isChecked[block] = 1;
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
