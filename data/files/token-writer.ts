// Writes a token file piece by piece; it appears under its name only when it is whole.

import {createHash} from 'node:crypto';
import {Draft} from '../../formats/atomic-file.js';
import {BLOCK_BYTES, encodeHeader, HEADER_BYTES, TokenFileError} from './token-format.js';

/**
 * Writes a token file document by document; it appears under its name when `finish` has completed it. Errors:
 * TokenFileError for a file without tokens.
 */
export class TokenWriter {
  private readonly draft: Draft;
  private readonly width: 2 | 4;
  private readonly hash = createHash('sha256');
  /** Digests of the blocks that are full, and the one that is not. */
  private readonly blocks: Buffer[] = [];
  private block = createHash('sha256');
  private filled = 0;
  private readonly starts: number[] = [];
  private isOpen = true;
  private offset = HEADER_BYTES;
  private tokens = 0;
  private textBytes = 0;

  constructor(
    private readonly path: string,
    private readonly vocabSize: number,
  ) {
    this.width = vocabSize <= 1 << 16 ? 2 : 4;
    this.draft = new Draft(path);
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
    if (!this.isOpen || this.tokens === 0)
      throw new TokenFileError(`token file: ${this.path} would hold no tokens`);
    if (this.starts.at(-1) === this.tokens) this.starts.pop();
    this.write(BigUint64Array.from(this.starts, BigInt));
    if (this.filled > 0) this.blocks.push(this.block.digest());
    const blocks = Buffer.concat(this.blocks);
    this.draft.write(blocks, this.offset);
    const header = encodeHeader({
      width: this.width,
      vocabSize: this.vocabSize,
      tokens: this.tokens,
      documents: this.starts.length,
      textBytes: this.textBytes,
      sha256: this.hash.digest(),
      blocks: createHash('sha256').update(blocks).digest(),
    });
    this.draft.write(header, 0);
    this.isOpen = false;
    this.draft.commit();
  }

  /** Removes what was written so far, unless it is complete. */
  abandon(): void {
    this.isOpen = false;
    this.draft.abandon();
  }

  private write(numbers: Uint16Array | Uint32Array | BigUint64Array): void {
    if (!this.isOpen) throw new TokenFileError(`token file: ${this.path} is closed`);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    this.hash.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.filled);
      this.block.update(part);
      this.filled += part.length;
      at += part.length;
      if (this.filled < BLOCK_BYTES) continue;
      this.blocks.push(this.block.digest());
      this.block = createHash('sha256');
      this.filled = 0;
    }
    this.draft.write(bytes, this.offset);
    this.offset += bytes.length;
  }
}
