// Shares over two settings as standalone SVG text: what of each length and depth a model finds.

import {pixel} from './escape.js';
import {drawing, fillOnShare, fillShare, stroke} from './theme.js';
import {label, lines, textWidth} from './words.js';

/** What {@link heatMap} draws: fields by column and row, one panel beneath the other. */
export interface HeatMap {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly panels: readonly {
    readonly title: string;
    /** Shares in [0, 1], [rows][columns]; those that are not finite are left empty. */
    readonly values: readonly (readonly number[])[];
  }[];
  /** A line in front of a column, such as the first beyond the trained length, and what it says. */
  readonly mark?: {readonly column: number; readonly words: string};
}

const ROW = 26;

function field(x: number, y: number, width: number, share: number): string[] {
  if (!Number.isFinite(share)) return [];
  const words = String(Math.round(100 * share));
  return [
    `<rect x="${pixel(x + 1)}" y="${pixel(y + 1)}" width="${pixel(width - 2)}" height="${ROW - 2}" ${fillShare(share)}/>`,
    label(x + width / 2, y + ROW / 2 + 4, words, {color: fillOnShare(share), size: width < 26 ? 9 : 12}),
  ];
}

/** Draws the map; numbers are per cent. `width` in pixels, for which words have their size. */
export function heatMap(map: HeatMap, width = 720): string {
  const {title, xLabel, yLabel, columns, rows, panels, mark} = map;
  const widest = rows.reduce((most, row) => Math.max(most, textWidth(row, 11)), 0);
  const [left, right] = [Math.min(width / 2, 38 + widest), width - 12];
  const step = Math.min(90, (right - left) / Math.max(1, columns.length));
  const heading = lines(title, width - 24, 15);
  const middle = left + (step * columns.length) / 2;
  const parts = heading.map((line, i) =>
    label(Math.max(middle, textWidth(line, 15) / 2 + 8), 22 + 18 * i, line, {size: 15}),
  );
  let y = 22 + 18 * heading.length;
  for (const {title: name, values} of panels) {
    if (name !== '') parts.push(label(left, y + 8, name, {anchor: 'start'}));
    const room = mark === undefined ? 0 : 14;
    if (mark !== undefined) {
      const x = left + step * mark.column;
      const isLeft = x + textWidth(mark.words, 11) < right;
      parts.push(
        label(x, y + 8 + room, mark.words, {size: 11, anchor: isLeft ? 'start' : 'end'}),
        `<line x1="${pixel(x)}" y1="${pixel(y + 12 + room)}" x2="${pixel(x)}" y2="${pixel(y + 18 + room + ROW * rows.length)}" ${stroke('ink')} stroke-dasharray="5 4"/>`,
      );
    }
    y += 16 + room;
    parts.push(
      label(16, y + (ROW * rows.length) / 2, yLabel, {rotated: true}),
      ...rows.flatMap((row, i) => [
        label(left - 6, y + ROW * i + ROW / 2 + 4, row, {anchor: 'end', size: 11}),
        ...columns.flatMap((_, j) => field(left + step * j, y + ROW * i, step, values[i]?.[j] ?? Number.NaN)),
      ]),
    );
    y += ROW * rows.length;
    const each = Math.max(1, Math.ceil(Math.max(0, ...columns.map(one => textWidth(one, 11) + 6)) / step));
    parts.push(
      ...columns.flatMap((column, j) =>
        j % each === 0 ? [label(left + step * (j + 0.5), y + 14, column, {size: 11})] : [],
      ),
    );
    y += 26;
  }
  const foot = lines(xLabel, width - 24);
  parts.push(...foot.map((line, i) => label(middle, y + 10 + 15 * i, line)));
  return drawing(width, y + 6 + 15 * foot.length, parts);
}
