// Writes a token file piece by piece; it appears under its name only when it is whole.

import {createHash} from 'node:crypto';
import {closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync} from 'node:fs';
import {dirname} from 'node:path';
import {syncFolder} from '../../formats/atomic-file.js';
import {encodeHeader, HEADER_BYTES, TokenFileError} from './token-format.js';

export class TokenWriter {
  private readonly draft: string;
  private readonly width: 2 | 4;
  private readonly hash = createHash('sha256');
  private readonly starts: number[] = [];
  private file: number | undefined;
  private offset = HEADER_BYTES;
  private tokens = 0;
  private textBytes = 0;

  constructor(
    private readonly path: string,
    private readonly vocabSize: number,
  ) {
    this.width = vocabSize <= 1 << 16 ? 2 : 4;
    this.draft = `${path}.${process.pid}.tmp`;
    this.file = openSync(this.draft, 'w');
  }

  get count(): number {
    return this.tokens;
  }

  get documents(): number {
    return this.starts.length;
  }

  get bytes(): number {
    return this.textBytes;
  }

  /** Following tokens belong to a new document. */
  startDocument(): void {
    if (this.starts.at(-1) !== this.tokens) this.starts.push(this.tokens);
  }

  /** Appends tokens that stand for `textBytes` bytes of UTF-8. */
  add(ids: Int32Array, textBytes: number): void {
    if (this.starts.length === 0) this.startDocument();
    this.write(this.width === 2 ? Uint16Array.from(ids) : Uint32Array.from(ids));
    this.tokens += ids.length;
    this.textBytes += textBytes;
  }

  /** Completes the file. Errors: TokenFileError when there are no tokens. */
  finish(): void {
    if (this.file === undefined || this.tokens === 0)
      throw new TokenFileError(`token file: ${this.path} would hold no tokens`);
    if (this.starts.at(-1) === this.tokens) this.starts.pop();
    this.write(BigUint64Array.from(this.starts, BigInt));
    const header = encodeHeader({
      width: this.width,
      vocabSize: this.vocabSize,
      tokens: this.tokens,
      documents: this.starts.length,
      textBytes: this.textBytes,
      sha256: this.hash.digest(),
    });
    writeAll(this.file, header, 0);
    fsyncSync(this.file);
    closeSync(this.file);
    this.file = undefined;
    renameSync(this.draft, this.path);
    syncFolder(dirname(this.path));
  }

  /** Removes what was written so far, unless it is complete. */
  abandon(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    this.file = undefined;
    rmSync(this.draft, {force: true});
  }

  private write(numbers: Uint16Array | Uint32Array | BigUint64Array): void {
    if (this.file === undefined) throw new TokenFileError(`token file: ${this.path} is closed`);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    this.hash.update(bytes);
    writeAll(this.file, bytes, this.offset);
    this.offset += bytes.length;
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, offset + at);
}
