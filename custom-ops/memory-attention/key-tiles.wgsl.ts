// The keys that a block of queries sees, as tiles of rows: first those of the window, then fading ones, then stored ones.

import type {MemoryAttentionAttributes} from './attributes.js';
import type {Geometry} from './geometry.wgsl.js';

/** WGSL of `tilesOf(first, last)`: how many tiles of so many rows hold those rows; none where `last` is before `first`. */
export const tilesFunction = (tile: number): string =>
  `fn tilesOf(first: i32, last: i32) -> i32 { return (max(0, last - first + 1) + ${tile - 1}) / ${tile}; }`;

/**
 * WGSL that declares, for queries `firstOfBlock` to `lastOfBlock` of `chunk`, their rows of keys `blockRow` to `blockLastRow`,
 * the first row of the window and the range of fading rows that any of them sees, and the tiles of each kind.
 */
export function keyTiles({hasFading}: Geometry, {fading}: MemoryAttentionAttributes): string {
  const fadingRange =
    fading === 'sliding'
      ? 'fadingFirst = max(earliestRow(), blockRow - 2 * REACH + 1); fadingLast = blockLastRow - REACH;'
      : `let start = queryOffset() + chunkStart(chunk);
  fadingFirst = max(earliestRow(), start - FADING); fadingLast = start - 1;`;
  return `let blockRow = queryOffset() + firstOfBlock;
  let blockLastRow = queryOffset() + lastOfBlock;
  let windowFirst = max(earliestRow(), blockRow - REACH + 1);
  let windowTiles = tilesOf(windowFirst, blockLastRow);
  var fadingFirst = 0;
  var fadingLast = -1;
  ${hasFading ? fadingRange : ''}
  let fadingTiles = tilesOf(fadingFirst, fadingLast);
  let storedTiles = tilesOf(0, i32(SLOTS) - 1);`;
}
