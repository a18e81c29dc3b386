// A batch in a segment file, little-endian. Two checksums: an end that was never reached is told from bytes that changed; and how
// many of its sectors are zeros: bytes that changed are told from sectors that were never written.
//
// offset  bytes  what
//      0      4  'ROWZ'
//      4      4  layer
//      8      4  rows n
//     12      4  positions that left for this batch, m
//     16      4  bytes of the stream's name, s
//     20      4  CRC-32 of the body
//     24      4  sectors of the file that begin in the body and have nothing but zeros of it
//     28      4  CRC-32 of bytes 0-27
//     32         body: name, positions [n], innovations [n], tokens [n], positions that left [m], keys [n, G, Dh],
//                values [n, G, Dh]
//
// Records of version 1 begin with 'ROWS' and do not count sectors: their second CRC-32 is at 24, their body at 28.

import {crc32} from 'node:zlib';
import type {RowSizes} from '../row-block.js';
import {load, rowBytes, rowNumbers, store, storedNumbers} from '../row-block.js';
import type {MemoryBatch} from '../store.js';
import {emptySectors} from './sectors.js';

/** Bytes of a record's header, and of the shorter one of version 1. */
export const RECORD_HEADER = 32;
const FIRST_HEADER = 28;
const MAGIC = 0x5a574f52;
const FIRST_MAGIC = 0x53574f52;
/** What records begin with. */
export const MAGICS = [MAGIC, FIRST_MAGIC] as const;
const NAMED = 12;

/** Numbers of a record that say how long it is. */
export interface RecordHeader {
  /** Bytes before the body. */
  readonly bytes: number;
  readonly layer: number;
  readonly rows: number;
  readonly evicted: number;
  readonly name: number;
  readonly bodySum: number;
  /** Sectors that begin in the body and have nothing but zeros of it; undefined of a record of version 1. */
  readonly emptySectors: number | undefined;
}

export interface Record {
  readonly batch: Required<MemoryBatch>;
  readonly evicted: Int32Array;
}

type BodyCounts = Pick<RecordHeader, 'rows' | 'evicted' | 'name'>;

export function bodyBytes({rows, evicted, name}: BodyCounts, sizes: RowSizes): number {
  return name + NAMED * rows + 4 * evicted + rows * rowBytes(sizes);
}

/** A record that is written at an offset of its file. */
export function encodeRecord(
  batch: MemoryBatch,
  evicted: Int32Array,
  sizes: RowSizes,
  offset: number,
): Buffer {
  const name = Buffer.from(batch.stream);
  const n = batch.positions.length;
  const counts = {rows: n, evicted: evicted.length, name: name.length};
  const bytes = Buffer.alloc(RECORD_HEADER + bodyBytes(counts, sizes));
  let at = RECORD_HEADER;
  const put = (part: Uint8Array): void => {
    bytes.set(part, at);
    at += part.length;
  };
  put(name);
  const tokens = batch.tokens ?? new Int32Array(n).fill(-1);
  for (const numbers of [batch.positions, batch.innovations, tokens, evicted]) put(bytesOf(numbers));
  for (const numbers of [batch.keys, batch.values]) {
    const stored = storedNumbers(sizes, numbers.length);
    store(numbers, stored, 0);
    put(bytesOf(stored));
  }
  for (const [i, value] of [MAGIC, batch.layer, n, evicted.length, name.length].entries())
    bytes.writeUInt32LE(value, 4 * i);
  bytes.writeUInt32LE(crc32(bytes.subarray(RECORD_HEADER)), 20);
  bytes.writeUInt32LE(emptySectors(bytes, offset, RECORD_HEADER), 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

function bytesOf(numbers: Int32Array | Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Bytes of the header that a record begins with, of its version where the first four can be read. */
export function headerBytes(bytes: Buffer): number {
  return bytes.readUInt32LE(0) === FIRST_MAGIC ? FIRST_HEADER : RECORD_HEADER;
}

/** The header in the first {@link RECORD_HEADER} bytes of a record; undefined when they are not what was written. */
export function decodeRecordHeader(bytes: Buffer): RecordHeader | undefined {
  const length = headerBytes(bytes);
  const isFirst = length === FIRST_HEADER;
  const sumAt = length - 4;
  if (
    bytes.readUInt32LE(0) !== (isFirst ? FIRST_MAGIC : MAGIC) ||
    crc32(bytes.subarray(0, sumAt)) !== bytes.readUInt32LE(sumAt)
  )
    return undefined;
  const [layer, rows, evicted, name, bodySum, empty] = [4, 8, 12, 16, 20, 24].map(at =>
    bytes.readUInt32LE(at),
  );
  return {bytes: length, layer, rows, evicted, name, bodySum, emptySectors: isFirst ? undefined : empty};
}

/** A record from its header and body; undefined when the body is not what was written. */
export function decodeRecord(header: RecordHeader, body: Buffer, sizes: RowSizes): Record | undefined {
  if (crc32(body) !== header.bodySum) return undefined;
  const {rows, layer} = header;
  const numbers = rows * rowNumbers(sizes);
  let at = header.name;
  // Copies, so that numbers are aligned.
  const take = <T extends Int32Array | Float32Array | Uint16Array>(into: T): T => {
    bytesOf(into).set(body.subarray(at, at + into.byteLength));
    at += into.byteLength;
    return into;
  };
  const stream = body.toString('utf8', 0, header.name);
  const positions = take(new Int32Array(rows));
  const innovations = take(new Float32Array(rows));
  const tokens = take(new Int32Array(rows));
  const evicted = take(new Int32Array(header.evicted));
  const unpack = (): Float32Array => {
    const stored = take(storedNumbers(sizes, numbers));
    if (stored instanceof Float32Array) return stored;
    const values = new Float32Array(numbers);
    load(stored, 0, numbers, values, 0);
    return values;
  };
  const keys = unpack();
  const values = unpack();
  return {batch: {stream, layer, positions, innovations, tokens, keys, values}, evicted};
}
