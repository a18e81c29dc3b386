// Line plots as standalone SVG text: learning curves, comparisons, benchmarks.

import type {Axis, Scale} from './axis.js';
import {axisFor, tickLabel} from './axis.js';

export interface Series {
  readonly name: string;
  /** Points (x, y) in drawing order; those that are not finite (or not positive on a log axis) are left out. */
  readonly points: readonly (readonly [number, number])[];
}

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
  /** A dot on every point. Default false. */
  readonly markers?: boolean;
}

const WIDTH = 720;
const HEIGHT = 420;
const AREA = {left: 64, right: 696, top: 44, bottom: 364} as const;
const LEGEND_LINE = 18;
/** Okabe-Ito: told apart by colour-blind readers too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
const pixel = (value: number): string => String(Math.round(value * 100) / 100);

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

/** Draws the plot; colours repeat after seven series. */
export function linePlot(plot: LinePlot): string {
  const {xScale = 'linear', yScale = 'linear'} = plot;
  const visible = plot.series.map(({name, points}) => ({
    name,
    points: points.filter(([x, y]) => drawable(x, xScale) && drawable(y, yScale)),
  }));
  const all = visible.flatMap(({points}) => points);
  const xAxis = axisFor(
    all.map(([x]) => x),
    xScale,
  );
  const yAxis = axisFor(
    all.map(([, y]) => y),
    yScale,
    plot.yRange,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label((AREA.left + AREA.right) / 2, 24, plot.title, {size: 15}),
    label((AREA.left + AREA.right) / 2, HEIGHT - 16, plot.xLabel),
    label(18, (AREA.top + AREA.bottom) / 2, plot.yLabel, {rotated: true}),
    ...xAxis.ticks.flatMap(tick => [
      rule(across(xAxis, tick), AREA.top, across(xAxis, tick), AREA.bottom, '#e4e4e4'),
      label(across(xAxis, tick), AREA.bottom + 18, tickLabel(tick), {size: 11}),
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

function drawSeries(series: Series, index: number, xAxis: Axis, yAxis: Axis, markers: boolean): string[] {
  const color = COLORS[index % COLORS.length];
  const places = series.points.map(([x, y]) => [pixel(across(xAxis, x)), pixel(up(yAxis, y))] as const);
  const legend = AREA.top + 14 + index * LEGEND_LINE;
  return [
    `<polyline points="${places.map(place => place.join(',')).join(' ')}" fill="none" stroke="${color}" stroke-width="1.8"/>`,
    ...(markers ? places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${color}"/>`) : []),
    `<rect x="${AREA.left + 12}" y="${legend - 9}" width="14" height="3" fill="${color}"/>`,
    label(AREA.left + 32, legend - 3, series.name, {anchor: 'start'}),
  ];
}
