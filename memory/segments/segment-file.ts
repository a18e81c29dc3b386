// Segment files: a header that names the store, then records. Read in order, each record by range.
//
// offset  bytes  what
//      0      8  'BMOJOMEM'
//      8      4  version, 1
//     12     16  first bytes of the SHA-256 of the store's format
//     28      4  CRC-32 of bytes 0-27

import {createHash} from 'node:crypto';
import type {FileHandle} from 'node:fs/promises';
import {crc32} from 'node:zlib';
import type {MemoryFormat} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {Record} from './record.js';
import {bodyBytes, decodeRecord, decodeRecordHeader, RECORD_HEADER} from './record.js';
import {isTornRecord} from './torn-tail.js';

export const SEGMENT_HEADER = 32;
const MAGIC = 'BMOJOMEM';
const VERSION = 1;

export function segmentHeader(format: MemoryFormat): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  const {model, layers, groups, width, precision} = format;
  const text = JSON.stringify([model, layers, groups, width, precision]);
  createHash('sha256').update(text).digest().copy(bytes, 12, 0, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

export interface PlacedRecord extends Record {
  /** Behind its last byte. */
  readonly end: number;
}

/**
 * The records of a segment in order. At the end may stand what a kill or a power cut left of a record that was never
 * acknowledged: it is left out when all of it lies behind `known`, the bytes that the store is known to have had.
 * Errors: MemoryStoreError for bytes that are not what was written.
 */
export async function* readRecords(
  path: string,
  file: FileHandle,
  format: MemoryFormat,
  known: number,
): AsyncGenerator<PlacedRecord> {
  const fail = (what: string): never => {
    throw new MemoryStoreError(
      'damaged',
      `${path} ${what}; take the folder from a copy, or remove it to begin anew`,
    );
  };
  const {size} = await file.stat();
  if (size < known) fail(`is damaged: it has ${size} bytes, at least ${known} were written`);
  const head = await readRange(file, 0, Math.min(SEGMENT_HEADER, size));
  if (!head.equals(segmentHeader(format)))
    fail('is no segment of this store, or is damaged: its first bytes are not those that were written');
  for (let at = SEGMENT_HEADER; at < size; ) {
    const found = await recordAt(file, at, size, format);
    if ('wrong' in found) {
      const {isCutShort, wrong} = found;
      if (at >= known && (isCutShort || isTornRecord(await readRange(file, at, size - at), at, format)))
        return;
      return fail(`is damaged at byte ${at}: ${wrong}`);
    }
    yield found;
    at = found.end;
  }
}

interface NoRecord {
  readonly wrong: string;
  /** The file ends before the record does. */
  readonly isCutShort: boolean;
}

async function recordAt(
  file: FileHandle,
  at: number,
  size: number,
  format: MemoryFormat,
): Promise<PlacedRecord | NoRecord> {
  // No body is as short as the headers of two versions differ.
  const changed = {wrong: "a record's checksum is not the one in it", isCutShort: at + RECORD_HEADER > size};
  if (changed.isCutShort) return changed;
  const header = decodeRecordHeader(await readRange(file, at, RECORD_HEADER));
  if (header === undefined) return changed;
  const body = at + header.bytes;
  const end = body + bodyBytes(header, format);
  if (end > size) return {wrong: 'a record ends behind the file', isCutShort: true};
  const record = decodeRecord(header, await readRange(file, body, end - body), format);
  return record === undefined ? changed : {...record, end};
}

async function readRange(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const {bytesRead} = await file.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw new MemoryStoreError('damaged', 'memory: a segment ended while it was read');
    at += bytesRead;
  }
  return bytes;
}
