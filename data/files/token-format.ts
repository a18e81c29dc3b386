// The token file: a header of 128 bytes, the tokens, then the documents' starts. Little-endian; read by range.
//
// offset  bytes  what
//      0      8  'BMOJOTOK'
//      8      4  version, 1
//     12      4  bytes per token, 2 or 4
//     16      8  vocabulary size V
//     24      8  tokens
//     32      8  documents
//     40      8  bytes of UTF-8 that the tokens stand for
//     48     32  SHA-256 of everything behind the header
//     80     32  SHA-256 of bytes 0-79
//    112     16  zeros

import {createHash} from 'node:crypto';
import {BmojoError} from '../../errors/bmojo-error.js';

/** A token file or data folder that is missing or damaged. */
export class TokenFileError extends BmojoError {
  override readonly name = 'TokenFileError';
  readonly kind = 'damage';
}

export const HEADER_BYTES = 128;
const MAGIC = 'BMOJOTOK';
const VERSION = 1;

export interface TokenHeader {
  /** 2 (uint16) or 4 (uint32). */
  readonly width: 2 | 4;
  readonly vocabSize: number;
  readonly tokens: number;
  readonly documents: number;
  readonly textBytes: number;
  /** SHA-256 of what follows the header. */
  readonly sha256: Buffer;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Where the documents' starts begin. */
export function bordersOffset({tokens, width}: TokenHeader): number {
  return HEADER_BYTES + tokens * width;
}

export function fileBytes(header: TokenHeader): number {
  return bordersOffset(header) + header.documents * 8;
}

export function encodeHeader(header: TokenHeader): Buffer {
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
  sha256(bytes.subarray(0, 80)).copy(bytes, 80);
  return bytes;
}

/** Errors: TokenFileError when the bytes are no header of this version, or damaged. */
export function decodeHeader(where: string, bytes: Buffer): TokenHeader {
  const fail = (reason: string): never => {
    throw new TokenFileError(`token file: ${where} ${reason}`);
  };
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC)
    fail('is no token file; bmojo data prepare writes them');
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION)
    fail(`is of version ${version}, this bmojo reads version ${VERSION}; prepare it again`);
  if (!sha256(bytes.subarray(0, 80)).equals(bytes.subarray(80, 112)))
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
  };
}
