// Grouped bars as standalone SVG text: scores of several models on several tasks.

import {axisFor, tickLabel} from './axis.js';
import {escapeXml, pixel} from './escape.js';

export interface BarPlot {
  readonly title: string;
  readonly yLabel: string;
  readonly yRange: readonly [number, number];
  /** One group of bars for each. */
  readonly groups: readonly string[];
  /** One bar in each group; values that are not finite are left out. */
  readonly series: readonly {readonly name: string; readonly values: readonly number[]}[];
}

const WIDTH = 820;
const HEIGHT = 420;
const AREA = {left: 64, right: 800, top: 74, bottom: 352} as const;
/** Okabe-Ito: told apart by colour-blind readers too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

const words = (x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end', size = 12): string =>
  `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" font-size="${size}">${escapeXml(text)}</text>`;

/** Draws the plot; colours repeat after seven series. */
export function barPlot({title, yLabel, yRange, groups, series}: BarPlot): string {
  const axis = axisFor([], 'linear', yRange);
  const up = (value: number): number => AREA.bottom - axis.place(value) * (AREA.bottom - AREA.top);
  const step = (AREA.right - AREA.left) / Math.max(1, groups.length);
  const bar = (0.8 * step) / Math.max(1, series.length);
  const middle = (AREA.top + AREA.bottom) / 2;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    words(WIDTH / 2, 24, title, 'middle', 15),
    `<text x="18" y="${middle}" text-anchor="middle" font-size="12" transform="rotate(-90 18 ${middle})">${escapeXml(yLabel)}</text>`,
    ...axis.ticks.flatMap(tick => [
      `<line x1="${AREA.left}" y1="${pixel(up(tick))}" x2="${AREA.right}" y2="${pixel(up(tick))}" stroke="#e4e4e4"/>`,
      words(AREA.left - 6, up(tick) + 4, tickLabel(tick), 'end', 11),
    ]),
    ...series.flatMap(({name, values}, i) => {
      const color = COLORS[i % COLORS.length];
      return [
        `<rect x="${AREA.left + 110 * i}" y="42" width="12" height="12" fill="${color}"/>`,
        words(AREA.left + 110 * i + 17, 52, name, 'start'),
        ...values.flatMap((value, group) => {
          if (!Number.isFinite(value)) return [];
          const x = AREA.left + step * (group + 0.1) + bar * i;
          const y = up(value);
          return [
            `<rect x="${pixel(x)}" y="${pixel(y)}" width="${pixel(0.92 * bar)}" height="${pixel(AREA.bottom - y)}" fill="${color}"/>`,
          ];
        }),
      ];
    }),
    ...groups.map((group, i) => words(AREA.left + step * (i + 0.5), AREA.bottom + 18, group, 'middle', 11)),
    `<line x1="${AREA.left}" y1="${AREA.bottom}" x2="${AREA.right}" y2="${AREA.bottom}" stroke="#222"/>`,
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}
