// Line plots as standalone SVG text: learning curves, comparisons, benchmarks.

import type {Axis, Scale} from './axis.js';
import {axisFor, tickLabel} from './axis.js';
import {escapeXml, largest, pixel as rounded} from './escape.js';

/** One line of a {@link LinePlot}: its name in the legend and its points. */
export interface Series {
  readonly name: string;
  /** Points (x, y) in drawing order; those that are not finite (or not positive on a log axis) are left out. */
  readonly points: readonly (readonly [number, number])[];
  /** Standard errors of the points, drawn as whiskers; those that are not known are left out. */
  readonly errors?: readonly (number | undefined)[];
}

/** What {@link linePlot} draws: titles, axes and lines. */
export interface LinePlot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Default `linear`. */
  readonly xScale?: Scale;
  /** Default `linear`. */
  readonly yScale?: Scale;
  /** Default: the range of the values. */
  readonly yRange?: readonly [number, number];
  /** Values of x marked by a dashed line with words, such as the trained length. */
  readonly marks?: readonly {readonly x: number; readonly words: string}[];
  /** A dot on every point. Default false: only where a series has a single one. */
  readonly markers?: boolean;
  /** Words under values of x in the place of their numbers. */
  readonly xNames?: readonly (readonly [number, string])[];
}

const WIDTH = 720;
const HEIGHT = 420;
const AREA = {left: 64, right: 696, top: 44, bottom: 364} as const;
const LEGEND_LINE = 18;
/** Okabe-Ito: told apart by colour-blind readers too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

const pixel = (value: number): string => rounded(value, 2);

interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly rotated?: boolean;
}

function label(x: number, y: number, content: string, style: TextStyle = {}): string {
  const turn = style.rotated ? ` transform="rotate(-90 ${pixel(x)} ${pixel(y)})"` : '';
  const {anchor = 'middle', size = 12} = style;
  return `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" font-size="${size}"${turn}>${escapeXml(content)}</text>`;
}

const rule = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
  `<line x1="${pixel(x1)}" y1="${pixel(y1)}" x2="${pixel(x2)}" y2="${pixel(y2)}" stroke="${color}"/>`;

const across = (axis: Axis, value: number): number =>
  AREA.left + axis.place(value) * (AREA.right - AREA.left);
const up = (axis: Axis, value: number): number => AREA.bottom - axis.place(value) * (AREA.bottom - AREA.top);

interface Point {
  readonly x: number;
  readonly y: number;
  readonly error: number;
}

interface VisibleSeries {
  readonly name: string;
  readonly points: readonly Point[];
}

/** More measured values than these are not written under the axis one by one. */
const MOST_NAMED = 14;
/** Pixels between words under the axis. */
const LEAST_GAP = 34;

/** What is written under the x axis: the values measured, where they are few and far from round, else round ones. */
function xTicks(
  {xScale, markers, xNames = []}: LinePlot,
  axis: Axis,
  all: readonly Point[],
): [number, string][] {
  const names = new Map(xNames);
  const measured = [...new Set(all.map(({x}) => x))].sort((a, b) => a - b);
  const whole = measured.every(x => Number.isInteger(x) || names.has(x));
  if (xScale !== 'log' || markers !== true || !whole || measured.length < 2 || measured.length > MOST_NAMED)
    return axis.ticks.map(tick => [tick, tickLabel(tick)]);
  const ticks: [number, string][] = [];
  for (const x of measured) {
    const last = ticks.at(-1);
    if (last !== undefined && across(axis, x) - across(axis, last[0]) < LEAST_GAP) continue;
    ticks.push([x, names.get(x) ?? (x < 100_000 ? x.toLocaleString('en-US') : tickLabel(x))]);
  }
  return ticks;
}

/** Draws a plot as a standalone SVG; colours repeat after seven series. */
export function linePlot(plot: LinePlot): string {
  const {xScale = 'linear', yScale = 'linear'} = plot;
  const visible: VisibleSeries[] = plot.series.map(({name, points, errors = []}) => ({
    name,
    points: points
      .map(([x, y], i) => ({x, y, error: errors[i] ?? 0}))
      .filter(({x, y}) => drawable(x, xScale) && drawable(y, yScale)),
  }));
  const all = visible.flatMap(({points}) => points);
  const xAxis = axisFor(
    all.map(({x}) => x),
    xScale,
  );
  const yAxis = axisFor(
    all.flatMap(({y, error}) => [y, y - error, y + error]),
    yScale,
    plot.yRange,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label((AREA.left + AREA.right) / 2, 24, plot.title, {size: 15}),
    label((AREA.left + AREA.right) / 2, HEIGHT - 16, plot.xLabel),
    label(18, (AREA.top + AREA.bottom) / 2, plot.yLabel, {rotated: true}),
    ...xTicks(plot, xAxis, all).flatMap(([tick, words]) => [
      rule(across(xAxis, tick), AREA.top, across(xAxis, tick), AREA.bottom, '#e4e4e4'),
      label(across(xAxis, tick), AREA.bottom + 18, words, {size: 11}),
    ]),
    ...yAxis.ticks.flatMap(tick => [
      rule(AREA.left, up(yAxis, tick), AREA.right, up(yAxis, tick), '#e4e4e4'),
      label(AREA.left - 6, up(yAxis, tick) + 4, tickLabel(tick), {size: 11, anchor: 'end'}),
    ]),
    rule(AREA.left, AREA.bottom, AREA.right, AREA.bottom, '#222'),
    rule(AREA.left, AREA.top, AREA.left, AREA.bottom, '#222'),
    ...(plot.marks ?? [])
      .filter(({x}) => drawable(x, xScale) && xAxis.place(x) >= 0 && xAxis.place(x) <= 1)
      .flatMap(({x, words}) => drawMark(across(xAxis, x), words)),
    ...visible.flatMap((series, index) => drawSeries(series, index, xAxis, yAxis, plot.markers ?? false)),
    ...drawLegend(visible, xAxis, yAxis),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function drawable(value: number, scale: Scale): boolean {
  return Number.isFinite(value) && (scale === 'linear' || value > 0);
}

function drawMark(x: number, words: string): string[] {
  const place = pixel(x);
  const leftward = x > (AREA.left + AREA.right) / 2;
  return [
    `<line x1="${place}" y1="${AREA.top}" x2="${place}" y2="${AREA.bottom}" stroke="#888" stroke-dasharray="5 4"/>`,
    label(leftward ? x - 6 : x + 6, AREA.bottom - 8, words, {size: 11, anchor: leftward ? 'end' : 'start'}),
  ];
}

function drawSeries(
  {points}: VisibleSeries,
  index: number,
  xAxis: Axis,
  yAxis: Axis,
  markers: boolean,
): string[] {
  const color = COLORS[index % COLORS.length];
  const places = points.map(({x, y}) => [pixel(across(xAxis, x)), pixel(up(yAxis, y))] as const);
  const whiskers = points.flatMap(({x, y, error}) => {
    if (error <= 0) return [];
    const [at, low, high] = [across(xAxis, x), up(yAxis, y - error), up(yAxis, y + error)];
    return [
      rule(at, low, at, high, color),
      rule(at - 3, low, at + 3, low, color),
      rule(at - 3, high, at + 3, high, color),
    ];
  });
  return [
    `<polyline points="${places.map(place => place.join(',')).join(' ')}" fill="none" stroke="${color}" stroke-width="1.8"/>`,
    ...whiskers,
    ...(markers || places.length === 1
      ? places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${color}"/>`)
      : []),
  ];
}

/** The legend in the corner where it hides least of the lines; of equal ones the first, top left. */
function drawLegend(series: readonly VisibleSeries[], xAxis: Axis, yAxis: Axis): string[] {
  const width =
    32 +
    7 *
      largest(
        series.map(({name}) => name.length),
        0,
      );
  const height = 8 + LEGEND_LINE * series.length;
  const [left, right] = [AREA.left + 8, AREA.right - width - 8];
  // Words of marks stand at the foot.
  const [top, bottom] = [AREA.top + 2, AREA.bottom - height - 24];
  const places = series.flatMap(({points}) =>
    between(points.map(({x, y}) => [inside(across(xAxis, x), WIDTH), inside(up(yAxis, y), HEIGHT)])),
  );
  const hidden = ([x0, y0]: readonly [number, number]): number =>
    places.filter(([x, y]) => x >= x0 && x <= x0 + width && y >= y0 - 4 && y <= y0 + height).length;
  const corners = [
    [left, top],
    [right, top],
    [left, bottom],
    [right, bottom],
  ] as const;
  const [x, y] = corners.reduce((best, corner) => (hidden(corner) < hidden(best) ? corner : best));
  return [
    `<rect x="${pixel(x)}" y="${pixel(y)}" width="${pixel(width)}" height="${height}" fill="#fff" fill-opacity="0.8"/>`,
    ...series.flatMap(({name}, index) => {
      const line = y + 12 + index * LEGEND_LINE;
      return [
        `<rect x="${pixel(x + 4)}" y="${pixel(line - 6)}" width="14" height="3" fill="${COLORS[index % COLORS.length]}"/>`,
        label(x + 24, line, name, {anchor: 'start'}),
      ];
    }),
  ];
}

/** A place of the picture, or the nearest one to it. */
const inside = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** More points than that hide a corner by themselves. */
const MOST_BETWEEN = 2000;

/** Points on the lines between neighbours, about every eight pixels. */
function between(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  if (points.length > MOST_BETWEEN) return [...points];
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return [point];
    const [dx, dy] = [next[0] - point[0], next[1] - point[1]];
    const parts = Math.max(1, Math.round(Math.hypot(dx, dy) / 8));
    return Array.from(
      {length: parts},
      (_, k) => [point[0] + (dx * k) / parts, point[1] + (dy * k) / parts] as const,
    );
  });
}
