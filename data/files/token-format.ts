// The token file: a header of 192 bytes, the tokens, the documents' starts, then a digest for each block of both, so that a
// reader checks what it reads and no more. Little-endian; read by range.
//
// offset  bytes  what
//      0      8  'BMOJOTOK'
//      8      4  version, 2
//     12      4  bytes per token, 2 or 4
//     16      8  vocabulary size V
//     24      8  tokens
//     32      8  documents
//     40      8  bytes of UTF-8 that the tokens stand for
//     48     32  SHA-256 of tokens and starts
//     80     32  SHA-256 of the blocks' digests
//    112     32  SHA-256 of bytes 0-111
//    144     48  zeros
//
// Version 1 has a header of 128 bytes, no digests of blocks, and the SHA-256 of bytes 0-79 at offset 80.

import {createHash} from 'node:crypto';
import {BmojoError} from '../../errors/bmojo-error.js';

/** A token file or data folder that is missing or damaged; the message says where and what to do. */
export class TokenFileError extends BmojoError {
  override readonly name = 'TokenFileError';
  readonly kind = 'damage';
}

export const HEADER_BYTES = 192;
const HEADER_BYTES_1 = 128;
/** Bytes of tokens and starts that share a digest of 32 bytes. */
export const BLOCK_BYTES = 1 << 16;
export const DIGEST_BYTES = 32;
const MAGIC = 'BMOJOTOK';
const VERSION = 2;

export interface TokenHeader {
  /** 2 (uint16) or 4 (uint32). */
  readonly width: 2 | 4;
  readonly vocabSize: number;
  readonly tokens: number;
  readonly documents: number;
  readonly textBytes: number;
  /** SHA-256 of tokens and starts. */
  readonly sha256: Buffer;
  /** SHA-256 of the blocks' digests; version 1 has none. */
  readonly blocks?: Buffer;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Where the tokens begin. */
export function tokensOffset({blocks}: TokenHeader): number {
  return blocks === undefined ? HEADER_BYTES_1 : HEADER_BYTES;
}

/** Where the documents' starts begin. */
export function bordersOffset(header: TokenHeader): number {
  return tokensOffset(header) + header.tokens * header.width;
}

/** Where the blocks' digests begin; in version 1 the end. */
export function blocksOffset(header: TokenHeader): number {
  return bordersOffset(header) + header.documents * 8;
}

export function blockCount(header: TokenHeader): number {
  if (header.blocks === undefined) return 0;
  return Math.ceil((blocksOffset(header) - tokensOffset(header)) / BLOCK_BYTES);
}

export function fileBytes(header: TokenHeader): number {
  return blocksOffset(header) + blockCount(header) * DIGEST_BYTES;
}

export function encodeHeader(header: TokenHeader & {readonly blocks: Buffer}): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(header.width, 12);
  for (const [at, value] of [
    [16, header.vocabSize],
    [24, header.tokens],
    [32, header.documents],
    [40, header.textBytes],
  ])
    bytes.writeBigUInt64LE(BigInt(value), at);
  header.sha256.copy(bytes, 48);
  header.blocks.copy(bytes, 80);
  sha256(bytes.subarray(0, 112)).copy(bytes, 112);
  return bytes;
}

/** Errors: TokenFileError when the bytes are no header of this version, or damaged. */
export function decodeHeader(where: string, bytes: Buffer): TokenHeader {
  const fail = (reason: string): never => {
    throw new TokenFileError(`token file: ${where} ${reason}`);
  };
  if (bytes.length < HEADER_BYTES_1 || bytes.toString('latin1', 0, 8) !== MAGIC)
    fail('is no token file; bmojo data prepare writes them');
  const version = bytes.readUInt32LE(8);
  if (version !== 1 && version !== VERSION)
    fail(`is of version ${version}, this bmojo reads versions 1 and ${VERSION}; prepare it again`);
  const end = version === 1 ? 80 : 112;
  if (bytes.length < end + 32 || !sha256(bytes.subarray(0, end)).equals(bytes.subarray(end, end + 32)))
    fail('is damaged: its header does not match the checksum in it; prepare it again');
  const width = bytes.readUInt32LE(12);
  if (width !== 2 && width !== 4) return fail(`has tokens of ${width} bytes, expected 2 or 4`);
  const number = (at: number): number => Number(bytes.readBigUInt64LE(at));
  return {
    width,
    vocabSize: number(16),
    tokens: number(24),
    documents: number(32),
    textBytes: number(40),
    sha256: Buffer.from(bytes.subarray(48, 80)),
    ...(version === 1 ? {} : {blocks: Buffer.from(bytes.subarray(80, 112))}),
  };
}
