// The end of the last segment after a power cut. A file may have grown while bytes of the record that was being written never
// came to the disk: in their place are zeros, in whole sectors.

import type {RowSizes} from '../row-block.js';
import {bodyBytes, decodeRecordHeader, MAGIC, RECORD_HEADER} from './record.js';

const SECTOR = 512;

/**
 * Whether bytes that are no record, at least a header of one, and lie at an offset of a file, can be what a power cut left of one:
 * a sector is zeros where that explains it, and no record begins behind them. Only the last record of a file is ever without its
 * acknowledgement: one that others follow was stored.
 */
export function isTornRecord(bytes: Buffer, offset: number, sizes: RowSizes): boolean {
  const header = decodeRecordHeader(bytes);
  // A header that is no header has lost a sector itself: zeros behind it may be the zeros of rows, and it damaged.
  const isEmpty =
    header === undefined
      ? hasEmptySector(bytes, offset, RECORD_HEADER)
      : hasEmptySector(bytes.subarray(0, RECORD_HEADER + bodyBytes(header, sizes)), offset);
  return isEmpty && !hasRecordHeader(bytes.subarray(1));
}

/**
 * Of sectors that begin among the first `within` bytes. What shares its sector with what was written before, or with the end of
 * the bytes, counts by itself.
 */
function hasEmptySector(bytes: Buffer, offset: number, within = bytes.length): boolean {
  for (let at = 0; at < within; ) {
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
