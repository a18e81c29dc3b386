// A stored evaluation, checked before it is believed: reports of others are opened too.

import {shown} from '../../errors/shown.js';
import type {Fail} from '../../formats/json-text.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import type {HeatMap} from '../../plot/heat-map.js';
import type {LinePlot, Series} from '../../plot/line-plot.js';
import type {MemoryPanel, MemoryPlot} from '../../plot/memory-plot.js';
import type {Cell} from '../table.js';
import type {Provenance} from './provenance.js';
import type {EvaluationRecord} from './record.js';

/** Longer lists than that are no table and no curve that anybody reads. */
const MOST_ROWS = 20_000;
const MOST_POINTS = 1 << 20;
/** Columns or rows of a map. */
const MOST_FIELDS = 200;
const NAME = /^[\w-][\w.-]{0,99}$/;

type Check<T> = (value: unknown, what: string) => T;

/** The record that a JSON value is. `fail` is told what is not as it must be. */
export function parseRecord(value: unknown, fail: Fail): EvaluationRecord {
  const text: Check<string> = (one, what) =>
    typeof one === 'string' ? one : fail(`must hold ${what} as text, got ${shown(one)}`);
  const count: Check<number> = (one, what) =>
    isCount(one) ? one : fail(`must hold ${what} as a whole number from 0, got ${shown(one)}`);
  /** JSON has null for the numbers that it cannot write. */
  const number: Check<number> = (one, what) =>
    one === null
      ? Number.NaN
      : typeof one === 'number'
        ? one
        : fail(`${what} must be a number, got ${shown(one)}`);
  const list = <T>(one: unknown, what: string, most: number, each: Check<T>): T[] => {
    if (!Array.isArray(one) || one.length > most)
      return fail(`must hold ${what} as a list of at most ${most}, got ${shown(one)}`);
    return one.map((item, i) => each(item, `${what}[${i}]`));
  };
  const record: Check<Record<string, unknown>> = (one, what) =>
    isRecord(one) ? one : fail(`must hold ${what} as an object, got ${shown(one)}`);
  const optional = <T>(one: unknown, what: string, check: Check<T>): T | undefined =>
    one === undefined ? undefined : check(one, what);
  const choice = <T extends string | boolean>(
    one: unknown,
    what: string,
    known: readonly T[],
  ): T | undefined =>
    one === undefined
      ? undefined
      : (known.find(other => other === one) ??
        fail(`must hold ${what} as one of ${known.join(', ')}, got ${shown(one)}`));
  const pair: Check<readonly [number, number]> = (one, what) => {
    const [a, b, ...rest] = list(one, what, 2, number);
    return b === undefined || rest.length > 0
      ? fail(`${what} must be two numbers, got ${shown(one)}`)
      : [a, b];
  };
  const cell: Check<Cell> = (one, what) => (typeof one === 'number' ? one : text(one, what));

  const series: Check<Series> = (one, what) => {
    const {name, points, errors} = record(one, what);
    return {
      name: text(name, `${what}.name`),
      points: list(points, `${what}.points`, MOST_POINTS, pair),
      ...(errors === undefined
        ? {}
        : {
            errors: list(errors, `${what}.errors`, MOST_POINTS, (error, which) =>
              error === null ? undefined : number(error, which),
            ),
          }),
    };
  };
  const linePlot: Check<LinePlot> = (one, what) => {
    const {
      title,
      xLabel,
      yLabel,
      series: all,
      xScale,
      yScale,
      yRange,
      marks,
      levels,
      markers,
      xNames,
    } = record(one, what);
    const plot: LinePlot = {
      title: text(title, `${what}.title`),
      xLabel: text(xLabel, `${what}.xLabel`),
      yLabel: text(yLabel, `${what}.yLabel`),
      series: list(all, `${what}.series`, 1000, series),
      xScale: choice(xScale, `${what}.xScale`, ['linear', 'log'] as const),
      yScale: choice(yScale, `${what}.yScale`, ['linear', 'log'] as const),
      yRange: optional(yRange, `${what}.yRange`, pair),
      markers: choice(markers, `${what}.markers`, [true, false] as const),
      marks: optional(marks, `${what}.marks`, (given, which) =>
        list(given, which, 1000, (mark, at) => {
          const {x, words} = record(mark, at);
          return {x: number(x, `${at}.x`), words: text(words, `${at}.words`)};
        }),
      ),
      levels: optional(levels, `${what}.levels`, (given, which) =>
        list(given, which, 100, (level, at) => {
          const {y, words} = record(level, at);
          return {y: number(y, `${at}.y`), words: text(words, `${at}.words`)};
        }),
      ),
      xNames: optional(xNames, `${what}.xNames`, (given, which) =>
        list(given, which, MOST_ROWS, (name, at) => {
          if (!Array.isArray(name) || name.length !== 2) return fail(`${at} must be a number and a word`);
          return [number(name[0], at), text(name[1], at)] as const;
        }),
      ),
    };
    return present(plot);
  };
  const heatMap: Check<HeatMap> = (one, what) => {
    const {title, xLabel, yLabel, columns, rows, panels, mark} = record(one, what);
    const map: HeatMap = {
      title: text(title, `${what}.title`),
      xLabel: text(xLabel, `${what}.xLabel`),
      yLabel: text(yLabel, `${what}.yLabel`),
      columns: list(columns, `${what}.columns`, MOST_FIELDS, text),
      rows: list(rows, `${what}.rows`, MOST_FIELDS, text),
      panels: list(panels, `${what}.panels`, 100, (given, at) => {
        const {title: name, values} = record(given, at);
        return {
          title: text(name, `${at}.title`),
          values: list(values, `${at}.values`, MOST_FIELDS, (row, which) =>
            list(row, which, MOST_FIELDS, number),
          ),
        };
      }),
      mark: optional(mark, `${what}.mark`, (given, at) => {
        const {column, words} = record(given, at);
        return {column: count(column, `${at}.column`), words: text(words, `${at}.words`)};
      }),
    };
    return present(map);
  };
  const panel: Check<MemoryPanel> = (one, what) => {
    const {title, innovation, stored, shares} = record(one, what);
    const panels: MemoryPanel = {
      title: text(title, `${what}.title`),
      innovation: optional(innovation, `${what}.innovation`, (given, which) =>
        list(given, which, MOST_POINTS, number),
      ),
      stored: optional(stored, `${what}.stored`, (given, which) =>
        list(given, which, MOST_POINTS, (token, at) => {
          const {position, from, until} = record(token, at);
          return {
            position: count(position, `${at}.position`),
            from: count(from, `${at}.from`),
            until: count(until, `${at}.until`),
          };
        }),
      ),
      shares: optional(shares, `${what}.shares`, (given, which) =>
        list(given, which, MOST_POINTS, (share, at) => list(share, at, 4, number)),
      ),
    };
    return present(panels);
  };
  const memoryPlot: Check<MemoryPlot> = (one, what) => {
    const {title, length, names, panels, pieces} = record(one, what);
    const plot: MemoryPlot = {
      title: text(title, `${what}.title`),
      length: count(length, `${what}.length`),
      names: list(names, `${what}.names`, 4, text),
      panels: list(panels, `${what}.panels`, 1024, panel),
      pieces: optional(pieces, `${what}.pieces`, (given, which) => list(given, which, MOST_POINTS, text)),
    };
    return present(plot);
  };

  const provenance: Check<Provenance> = (one, what) => {
    const {version, date, machine, seeds} = record(one, what);
    const drawn = Object.entries(record(seeds, `${what}.seeds`));
    return {
      version: text(version, `${what}.version`),
      date: text(date, `${what}.date`),
      machine: text(machine, `${what}.machine`),
      seeds: Object.fromEntries(drawn.map(([key, seed]) => [key, count(seed, `${what}.seeds.${key}`)])),
    };
  };

  const {name, title, definition, source, command, step, made, table, plot, map, memory, data} = record(
    value,
    'a record',
  );
  if (typeof name !== 'string' || !NAME.test(name))
    return fail(`must hold name as a plain file name, got ${shown(name)}`);
  const rows = list(table, 'table', MOST_ROWS, (row, what) => list(row, what, 1000, cell));
  if (rows.length === 0) return fail('must hold a table with headings, got none');
  return present<EvaluationRecord>({
    name,
    title: text(title, 'title'),
    definition: text(definition, 'definition'),
    source: text(source, 'source'),
    command: text(command, 'command'),
    step: count(step, 'step'),
    made: optional(made, 'made', provenance),
    table: rows,
    plot: optional(plot, 'plot', linePlot),
    map: optional(map, 'map', heatMap),
    memory: optional(memory, 'memory', memoryPlot),
    data,
  });
}

/** Without the entries that are undefined. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
