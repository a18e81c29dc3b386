// A passage of text as lines of equally wide characters, some of its pieces on a coloured ground.

import {escapeXml, pixel} from './escape.js';

export interface PassageOptions {
  readonly left: number;
  readonly right: number;
  /** Upper edge of the first line. */
  readonly top: number;
  /** The text in pieces, one for each token; a token that only begins a character has none. */
  readonly pieces: readonly string[];
  /** Ground of a piece, by its number: attributes of its colour, and how deep it is. */
  readonly grounds: ReadonlyMap<number, {readonly paint: string; readonly opacity: number}>;
}

const SIZE = 11;
/** Advance of a character of the usual fixed-width fonts, as a share of their size; lines are stretched to it. */
const ADVANCE = 0.6 * SIZE;
const LINE = 15;

/** A line break and what else has no shape, made visible. */
const visible = (piece: string): string => piece.replace(/\n/g, '\u21b5').replace(/\p{Cc}/gu, '\u00b7');

/** SVG elements of the passage, and its height in pixels. */
export function passage({left, right, top, pieces, grounds}: PassageOptions): {
  parts: string[];
  height: number;
} {
  const columns = Math.max(1, Math.floor((right - left) / ADVANCE));
  const parts: string[] = [];
  const lines: string[][] = [[]];
  pieces.forEach((piece, number) => {
    for (const character of visible(piece)) {
      if ((lines.at(-1) ?? []).length === columns) lines.push([]);
      const line = lines.length - 1;
      const ground = grounds.get(number);
      if (ground !== undefined) {
        const x = left + lines[line].length * ADVANCE;
        parts.push(
          `<rect x="${pixel(x)}" y="${pixel(top + line * LINE)}" width="${pixel(ADVANCE + 0.1)}" height="${LINE - 1}" ${ground.paint} fill-opacity="${ground.opacity.toFixed(2)}"/>`,
        );
      }
      lines[line].push(character);
    }
  });
  lines.forEach((line, number) => {
    if (line.length === 0) return;
    const y = pixel(top + number * LINE + SIZE);
    parts.push(
      `<text x="${pixel(left)}" y="${y}" font-family="monospace" font-size="${SIZE}" xml:space="preserve" textLength="${pixel(line.length * ADVANCE)}">${escapeXml(line.join(''))}</text>`,
    );
  });
  return {parts, height: lines.length * LINE};
}
