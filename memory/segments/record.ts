// A batch in a segment file, little-endian. Two checksums: an end that was never reached is told from bytes that changed.
//
// offset  bytes  what
//      0      4  'ROWS'
//      4      4  layer
//      8      4  rows n
//     12      4  positions that left for this batch, m
//     16      4  bytes of the stream's name, s
//     20      4  CRC-32 of the body
//     24      4  CRC-32 of bytes 0-23
//     28         body: name, positions [n], innovations [n], tokens [n], positions that left [m], keys [n, G, Dh],
//                values [n, G, Dh]

import {crc32} from 'node:zlib';
import type {RowSizes} from '../row-block.js';
import {load, rowBytes, rowNumbers, store, storedNumbers} from '../row-block.js';
import type {MemoryBatch} from '../store.js';

export const RECORD_HEADER = 28;
export const MAGIC = 0x53574f52;
const NAMED = 12;

/** Numbers of a record that say how long it is. */
export interface RecordHeader {
  readonly layer: number;
  readonly rows: number;
  readonly evicted: number;
  readonly name: number;
  readonly bodySum: number;
}

export interface Record {
  readonly batch: Required<MemoryBatch>;
  readonly evicted: Int32Array;
}

export function bodyBytes({rows, evicted, name}: RecordHeader, sizes: RowSizes): number {
  return name + NAMED * rows + 4 * evicted + rows * rowBytes(sizes);
}

export function encodeRecord(batch: MemoryBatch, evicted: Int32Array, sizes: RowSizes): Buffer {
  const name = Buffer.from(batch.stream);
  const n = batch.positions.length;
  const header = {layer: batch.layer, rows: n, evicted: evicted.length, name: name.length, bodySum: 0};
  const bytes = Buffer.alloc(RECORD_HEADER + bodyBytes(header, sizes));
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
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

function bytesOf(numbers: Int32Array | Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** The header in the first bytes of a record; undefined when they are not what was written. */
export function decodeRecordHeader(bytes: Buffer): RecordHeader | undefined {
  if (bytes.readUInt32LE(0) !== MAGIC || crc32(bytes.subarray(0, 24)) !== bytes.readUInt32LE(24))
    return undefined;
  const [layer, rows, evicted, name, bodySum] = [4, 8, 12, 16, 20].map(at => bytes.readUInt32LE(at));
  return {layer, rows, evicted, name, bodySum};
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
