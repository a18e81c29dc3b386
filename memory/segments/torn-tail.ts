// The end of the last segment after a power cut. A file may have grown while bytes of the record that was being written never
// came to the disk: in their place are zeros, in whole sectors.

import {decodeRecordHeader, MAGIC, RECORD_HEADER} from './record.js';

const SECTOR = 512;

/**
 * Whether bytes that are no record, and lie at an offset of a file, can be what a power cut left of one: a sector of theirs is
 * zeros, and no record begins behind them. Only the last record of a file is ever without its acknowledgement: one that others
 * follow was stored.
 */
export function isTornRecord(bytes: Buffer, offset: number): boolean {
  return hasEmptySector(bytes, offset) && !hasRecordHeader(bytes.subarray(1));
}

/** What shares its sector with what was written before, or with the end of the file, counts by itself. */
function hasEmptySector(bytes: Buffer, offset: number): boolean {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR - ((offset + at) % SECTOR));
    if (bytes.subarray(at, end).every(byte => byte === 0)) return true;
    at = end;
  }
  return false;
}

function hasRecordHeader(bytes: Buffer): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1))
    if (
      at + RECORD_HEADER <= bytes.length &&
      decodeRecordHeader(bytes.subarray(at, at + RECORD_HEADER)) !== undefined
    )
      return true;
  return false;
}
