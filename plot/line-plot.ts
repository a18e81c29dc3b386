// Line plots as standalone SVG text: learning curves, comparisons, benchmarks.

import type {Axis, Scale} from './axis.js';
import {axisFor, tickLabel} from './axis.js';
import {pixel as rounded} from './escape.js';
import {legend} from './legend.js';
import type {Role} from './theme.js';
import {drawing, fill, isRepeated, seriesRole, stroke} from './theme.js';
import {label, lines, textWidth} from './words.js';

/** One line of a {@link LinePlot}: its name in the legend and its points. */
export interface Series {
  readonly name: string;
  /** Points (x, y) in drawing order; those that are not finite (or not positive on a log axis) are left out. */
  readonly points: readonly (readonly [number, number])[];
  /** How far the points spread, such as standard errors or deviations: whiskers, cut at the axes; those not known are left out. */
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
  /** Values of y marked by a dashed line that the legend names, such as chance. */
  readonly levels?: readonly {readonly y: number; readonly words: string}[];
  /** A dot on every point. Default false: only where a series has a single one. */
  readonly markers?: boolean;
  /** Words under values of x in the place of their numbers. */
  readonly xNames?: readonly (readonly [number, string])[];
}

/** Where the axes lie, in pixels. */
interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The axes with what maps values onto them. */
interface Frame extends Area {
  readonly xAxis: Axis;
  readonly yAxis: Axis;
}

const MARK_ROW = 15;
/** Pixels between the whiskers of neighbouring lines. */
const WHISKER_STEP = 1.6;

const pixel = (value: number): string => rounded(value, 2);

const rule = (x1: number, y1: number, x2: number, y2: number, role: Role, dash = ''): string =>
  `<line x1="${pixel(x1)}" y1="${pixel(y1)}" x2="${pixel(x2)}" y2="${pixel(y2)}" ${stroke(role)}${dash === '' ? '' : ` stroke-dasharray="${dash}"`}/>`;

const across = ({left, right, xAxis}: Frame, value: number): number =>
  left + xAxis.place(value) * (right - left);
const up = ({top, bottom, yAxis}: Frame, value: number): number =>
  bottom - yAxis.place(value) * (bottom - top);

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

/** What may be written under the x axis: the values measured, where they are few and far from round, else round ones. */
function xTicks(
  {xScale, markers, xNames = []}: LinePlot,
  axis: Axis,
  all: readonly Point[],
): [number, string][] {
  const names = new Map(xNames);
  const measured = [...new Set(all.map(({x}) => x))].sort((a, b) => a - b);
  const whole = measured.every(x => Number.isInteger(x) || names.has(x));
  const words = (x: number): string =>
    names.get(x) ?? (x < 100_000 ? x.toLocaleString('en-US') : tickLabel(x));
  if (measured.length === 1) return [[measured[0], whole ? words(measured[0]) : tickLabel(measured[0])]];
  if (xScale === 'log' && markers === true && whole && measured.length <= MOST_NAMED && measured.length > 0)
    return measured.map(x => [x, words(x)]);
  return axis.ticks.map(tick => [tick, tickLabel(tick)]);
}

/** Those of the ticks that have room beside each other. */
function roomy(ticks: readonly [number, string][], frame: Frame): [number, string][] {
  const kept: [number, string][] = [];
  let end = -Infinity;
  for (const [value, words] of ticks) {
    const half = textWidth(words, 11) / 2;
    const at = across(frame, value);
    if (at - half < end) continue;
    kept.push([value, words]);
    end = at + half + 8;
  }
  return kept;
}

function drawable(value: number, scale: Scale): boolean {
  return Number.isFinite(value) && (scale === 'linear' || value > 0);
}

/** Words of marks above the axes, those that would meet others in further rows. */
function markRows(
  marks: readonly {readonly at: number; readonly words: string}[],
  {left, right}: Pick<Area, 'left' | 'right'>,
): {row: number; x: number; at: number; words: string}[] {
  const ends: number[] = [];
  return [...marks]
    .sort((a, b) => a.at - b.at)
    .map(({at, words}) => {
      const half = textWidth(words, 11) / 2;
      const x = Math.min(right - half, Math.max(left + half, at));
      const free = ends.findIndex(end => x - half > end + 6);
      const row = free < 0 ? ends.length : free;
      ends[row] = x + half;
      return {row, x, at, words};
    });
}

function drawSeries(
  {points}: VisibleSeries,
  {index, count, markers}: {index: number; count: number; markers: boolean},
  frame: Frame,
): string[] {
  const role = seriesRole(index);
  // Whiskers of several lines at the same place stand beside each other.
  const aside = WHISKER_STEP * (index - (count - 1) / 2);
  const places = points.map(({x, y}) => [pixel(across(frame, x)), pixel(up(frame, y))] as const);
  // A logarithmic axis has no place for 0 and below, which lie under its foot.
  const inside = (y: number): number =>
    Number.isNaN(y) ? frame.bottom : Math.min(frame.bottom, Math.max(frame.top, y));
  const whiskers = points.flatMap(({x, y, error}) => {
    if (error <= 0) return [];
    const [at, low, high] = [
      Math.min(frame.right - 3, Math.max(frame.left + 3, across(frame, x) + aside)),
      inside(up(frame, y - error)),
      inside(up(frame, y + error)),
    ];
    return [
      rule(at, low, at, high, role),
      rule(at - 3, low, at + 3, low, role),
      rule(at - 3, high, at + 3, high, role),
    ];
  });
  const dash = isRepeated(index) ? ' stroke-dasharray="6 3"' : '';
  return [
    `<polyline points="${places.map(place => place.join(',')).join(' ')}" fill="none" ${stroke(role)} stroke-width="1.8"${dash}/>`,
    ...whiskers,
    ...(markers || places.length === 1
      ? places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" ${fill(role)}/>`)
      : []),
  ];
}

function visibleSeries({series, xScale = 'linear', yScale = 'linear'}: LinePlot): VisibleSeries[] {
  return series.map(({name, points, errors = []}) => ({
    name,
    points: points
      .map(([x, y], i) => ({x, y, error: errors[i] ?? 0}))
      .filter(({x, y}) => drawable(x, xScale) && drawable(y, yScale)),
  }));
}

/** The legend's entries: the series that are drawn, each in its colour, then what is marked across. */
function entries(series: readonly VisibleSeries[], levels: LinePlot['levels'] = []) {
  return [
    ...series
      .map(({name, points}, i) => ({
        name,
        isDrawn: points.length > 0,
        swatch: (x: number, y: number) =>
          `<line x1="${pixel(x)}" y1="${pixel(y)}" x2="${pixel(x + 16)}" y2="${pixel(y)}" ${stroke(seriesRole(i))} stroke-width="3"${isRepeated(i) ? ' stroke-dasharray="6 3"' : ''}/>`,
      }))
      .filter(({isDrawn}) => isDrawn),
    ...levels.map(({words}) => ({
      name: words,
      swatch: (x: number, y: number) => rule(x, y, x + 16, y, 'mute', '5 4'),
    })),
  ];
}

/**
 * Draws a plot as a standalone SVG, on dark ground where the reader prefers it. Colours repeat after seven series, dashed.
 * `width` in pixels, default 720: words have their size for it.
 */
export function linePlot(plot: LinePlot, width = 720): string {
  const {xScale = 'linear', yScale = 'linear'} = plot;
  const visible = visibleSeries(plot);
  const all = visible.flatMap(({points}) => points);
  const ticks = width < 500 ? 4 : 6;
  const xAxis = axisFor(
    all.map(({x}) => x),
    xScale,
    undefined,
    ticks,
  );
  const levels = (plot.levels ?? []).filter(({y}) => drawable(y, yScale));
  const heights = all.flatMap(({y, error}) => [y, y - error, y + error]);
  const yAxis = axisFor([...heights, ...levels.map(({y}) => y)], yScale, plot.yRange);
  const yWords = yAxis.ticks.map(tick => tickLabel(tick));
  const left = Math.ceil(36 + yWords.reduce((most, words) => Math.max(most, textWidth(words, 11)), 0));
  const right = width - 20;
  const heading = lines(plot.title, width - 24, 15);
  const key = legend(entries(visible, levels), {left, right, top: 14 + 18 * heading.length});
  const marks = (plot.marks ?? []).filter(
    ({x}) => drawable(x, xScale) && xAxis.place(x) >= 0 && xAxis.place(x) <= 1,
  );
  const sides = {left, right};
  const rows = markRows(
    marks.map(({x, words}) => ({at: left + xAxis.place(x) * (right - left), words})),
    sides,
  );
  const above = rows.reduce((most, {row}) => Math.max(most, row + 1), 0);
  const top = 24 + 18 * heading.length + key.height + MARK_ROW * above;
  const frame: Frame = {...sides, top, bottom: top + (width < 500 ? 220 : 320), xAxis, yAxis};
  const {bottom} = frame;
  const foot = lines(plot.xLabel, width - 24);
  const isInside = (y: number): boolean => yAxis.place(y) >= 0 && yAxis.place(y) <= 1;
  return drawing(width, bottom + 30 + 15 * foot.length, [
    ...heading.map((line, i) => label(width / 2, 22 + 18 * i, line, {size: 15})),
    ...key.parts,
    ...foot.map((line, i) => label((left + right) / 2, bottom + 38 + 15 * i, line)),
    label(16, (top + bottom) / 2, plot.yLabel, {rotated: true}),
    ...roomy(xTicks(plot, xAxis, all), frame).flatMap(([tick, words]) => [
      rule(across(frame, tick), top, across(frame, tick), bottom, 'grid'),
      label(across(frame, tick), bottom + 18, words, {size: 11}),
    ]),
    ...yAxis.ticks.flatMap((tick, i) => [
      rule(left, up(frame, tick), right, up(frame, tick), 'grid'),
      label(left - 6, up(frame, tick) + 4, yWords[i], {size: 11, anchor: 'end'}),
    ]),
    rule(left, bottom, right, bottom, 'ink'),
    rule(left, top, left, bottom, 'ink'),
    ...levels
      .filter(({y}) => isInside(y))
      .map(({y}) => rule(left, up(frame, y), right, up(frame, y), 'mute', '5 4')),
    ...rows.flatMap(({row, x, at, words}) => [
      rule(at, top - 2, at, bottom, 'mute', '5 4'),
      label(x, top - 6 - MARK_ROW * row, words, {size: 11}),
    ]),
    ...visible.flatMap((series, index) =>
      drawSeries(series, {index, count: visible.length, markers: plot.markers ?? false}, frame),
    ),
  ]);
}
