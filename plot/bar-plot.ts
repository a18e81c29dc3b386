// Grouped bars as standalone SVG text: scores of several models on several tasks.

import {axisFor, tickLabel} from './axis.js';
import {pixel} from './escape.js';
import {legend} from './legend.js';
import {drawing, fill, seriesRole, stroke} from './theme.js';
import {fitted, label, lines, textWidth} from './words.js';

export interface BarPlot {
  readonly title: string;
  readonly yLabel: string;
  readonly yRange: readonly [number, number];
  /** One group of bars for each. */
  readonly groups: readonly string[];
  /** One bar in each group; values that are not finite are left out, and series without any other from the legend. */
  readonly series: readonly {readonly name: string; readonly values: readonly number[]}[];
}

const LINE = 14;
const SIZE = 11;

/** Names under the groups: in lines where their words have room, else slanting. */
function groupNames(
  groups: readonly string[],
  {left, bottom, step}: {left: number; bottom: number; step: number},
): {parts: string[]; height: number} {
  const broken = groups.map(group => group.replaceAll('-', '- '));
  const middle = (i: number): number => left + step * (i + 0.5);
  if (broken.every(group => group.split(' ').every(word => textWidth(word, SIZE) <= step - 4))) {
    const rows = broken.map(group => lines(group, step - 4, SIZE).map(line => line.replaceAll('- ', '-')));
    return {
      parts: rows.flatMap((row, i) =>
        row.map((line, k) => label(middle(i), bottom + 16 + LINE * k, line, {size: SIZE})),
      ),
      height: 10 + LINE * Math.max(1, ...rows.map(({length}) => length)),
    };
  }
  const names = groups.map(group => fitted(group, 110, SIZE));
  return {
    parts: names.map((name, i) => {
      const [x, y] = [pixel(middle(i) + 4), pixel(bottom + 14)];
      return `<g transform="rotate(-40 ${x} ${y})">${label(middle(i) + 4, bottom + 14, name, {size: SIZE, anchor: 'end'})}</g>`;
    }),
    height: 14 + 0.65 * Math.max(0, ...names.map(name => textWidth(name, SIZE))),
  };
}

/** Draws the plot; colours repeat after seven series. `width` in pixels, for which words have their size. */
export function barPlot({title, yLabel, yRange, groups, series}: BarPlot, width = 820): string {
  const [left, right] = [56, width - 16];
  const heading = lines(title, width - 24, 15);
  const key = legend(
    series
      .map(({name, values}, i) => ({
        name,
        isDrawn: values.some(Number.isFinite),
        swatch: (x: number, y: number) =>
          `<rect x="${pixel(x + 2)}" y="${pixel(y - 6)}" width="12" height="12" ${fill(seriesRole(i))}/>`,
      }))
      .filter(({isDrawn}) => isDrawn),
    {left, right, top: 14 + 18 * heading.length},
  );
  const top = 26 + 18 * heading.length + key.height;
  const bottom = top + (width < 500 ? 200 : 280);
  const axis = axisFor([], 'linear', yRange);
  const up = (value: number): number => bottom - Math.min(1, Math.max(0, axis.place(value))) * (bottom - top);
  const step = (right - left) / Math.max(1, groups.length);
  const bar = (0.8 * step) / Math.max(1, series.length);
  const middle = (top + bottom) / 2;
  const names = groupNames(groups, {left, bottom, step});
  return drawing(width, bottom + 8 + names.height, [
    ...heading.map((line, i) => label(width / 2, 22 + 18 * i, line, {size: 15})),
    ...key.parts,
    label(16, middle, yLabel, {rotated: true}),
    ...axis.ticks.flatMap(tick => [
      `<line x1="${left}" y1="${pixel(up(tick))}" x2="${right}" y2="${pixel(up(tick))}" ${stroke('grid')}/>`,
      label(left - 6, up(tick) + 4, tickLabel(tick), {anchor: 'end', size: 11}),
    ]),
    ...series.flatMap(({values}, i) =>
      values.flatMap((value, group) => {
        if (!Number.isFinite(value)) return [];
        const x = left + step * (group + 0.1) + bar * i;
        const y = up(value);
        return [
          `<rect x="${pixel(x)}" y="${pixel(y)}" width="${pixel(0.92 * bar)}" height="${pixel(bottom - y)}" ${fill(seriesRole(i))}/>`,
        ];
      }),
    ),
    ...names.parts,
    `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" ${stroke('ink')}/>`,
  ]);
}
