// What a disk writes whole: sectors, counted from the beginning of a file.

const SECTOR = 512;

/**
 * How many sectors have nothing but zeros of these bytes, which lie at an offset of a file: of those that begin among bytes
 * [from, before). What shares its sector with what was written before, or with what comes behind, counts by itself.
 */
export function emptySectors(bytes: Buffer, offset: number, from = 0, before = bytes.length): number {
  let empty = 0;
  for (let at = 0; at < before; ) {
    const end = Math.min(bytes.length, at + SECTOR - ((offset + at) % SECTOR));
    if (at >= from && isEmpty(bytes, at, end)) empty++;
    at = end;
  }
  return empty;
}

/** Most sectors end at their first byte. */
function isEmpty(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
