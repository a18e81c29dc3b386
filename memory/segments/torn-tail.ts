// The end of the last segment after a power cut. A file may have grown while bytes of the record that was being written never
// came to the disk: in their place are zeros, in whole sectors.

import type {RowSizes} from '../row-block.js';
import type {RecordHeader} from './record.js';
import {bodyBytes, decodeRecordHeader, headerBytes, MAGICS, RECORD_HEADER} from './record.js';
import {emptySectors} from './sectors.js';

/**
 * Whether bytes that are no record, at least a header of one, and lie at an offset of a file, can be what a power cut left of one:
 * sectors of it were never written, and no record begins behind them. Only the last record of a file is ever without its
 * acknowledgement: one that others follow was stored.
 */
export function isTornRecord(bytes: Buffer, offset: number, sizes: RowSizes): boolean {
  const header = decodeRecordHeader(bytes);
  // A header that is no header has lost a sector itself: zeros behind it may be the zeros of rows, and it damaged.
  const isTorn =
    header === undefined
      ? emptySectors(bytes, offset, 0, headerBytes(bytes)) > 0
      : lacksSectors(bytes.subarray(0, header.bytes + bodyBytes(header, sizes)), offset, header);
  return isTorn && !hasRecordHeader(bytes.subarray(1));
}

/**
 * Whether more sectors of a record are zeros than were written so: as many mean that all are there, however they changed. Of
 * version 1 nobody counted, and any may be one that was never written.
 */
function lacksSectors(record: Buffer, offset: number, header: RecordHeader): boolean {
  return emptySectors(record, offset, header.bytes) > (header.emptySectors ?? 0);
}

function hasRecordHeader(bytes: Buffer): boolean {
  return MAGICS.some(number => {
    const magic = Buffer.alloc(4);
    magic.writeUInt32LE(number);
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1))
      if (at + RECORD_HEADER <= bytes.length && decodeRecordHeader(bytes.subarray(at)) !== undefined)
        return true;
    return false;
  });
}
