// What the colours of a drawing mean: rows above it, never on the data.

import {fitted, label, textWidth} from './words.js';

/** One entry: its name, and the swatch whose left middle is given. */
export interface LegendEntry {
  readonly name: string;
  swatch(x: number, y: number): string;
}

const ROW = 18;
const SWATCH = 16;
const GAP = 16;

/** The entries in rows between `left` and `right` from `top` on, and how high they are. */
export function legend(
  entries: readonly LegendEntry[],
  {left, right, top}: {left: number; right: number; top: number},
): {parts: string[]; height: number} {
  const parts: string[] = [];
  let [x, row] = [left, 0];
  for (const {name, swatch} of entries) {
    const words = fitted(name, right - left - SWATCH - 6);
    const width = SWATCH + 6 + textWidth(words);
    if (x > left && x + width > right) {
      x = left;
      row++;
    }
    const y = top + row * ROW + ROW / 2;
    parts.push(swatch(x, y), label(x + SWATCH + 6, y + 4, words, {anchor: 'start'}));
    x += width + GAP;
  }
  return {parts, height: entries.length === 0 ? 0 : (row + 1) * ROW};
}
