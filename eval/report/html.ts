// One HTML file that holds everything: runs, curves, tables, definitions with their sources. No scripts, no network.

import {heatMap} from '../../plot/heat-map.js';
import type {LinePlot} from '../../plot/line-plot.js';
import {linePlot} from '../../plot/line-plot.js';
import {memoryPlot} from '../../plot/memory-plot.js';
import type {Cell} from '../table.js';
import {withoutPlaces} from './places.js';
import type {EvaluationRecord} from './record.js';

/** One run in a report: what it came to, its settings, its learning curve, and what its evaluations found. */
export interface ReportedRun {
  /** Its name in tables and legends, unique within the report. */
  readonly name: string;
  /** What training came to: the report's first table. */
  readonly results: readonly (readonly [string, Cell])[];
  /** Its settings: the report's last table. */
  readonly facts: readonly (readonly [string, Cell])[];
  /** Learning curve. */
  readonly curve?: LinePlot;
  readonly records: readonly EvaluationRecord[];
}

const escapeHtml = (text: Cell): string =>
  withoutPlaces(String(text)).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);

/** Widths that pictures are drawn for, in pixels: of a desk and of a telephone. */
const WIDE = 760;
const NARROW = 358;

/** A picture for each width of the page, so that its words can be read on both. */
const picture = (draw: (width: number) => string): string =>
  `<div class="wide">${draw(WIDE)}</div><div class="narrow">${draw(NARROW)}</div>`;

const STYLE = `
:root { color-scheme: light dark; --ink: #222; --soft: #5b5b5b; --line: #e4e4e4; --code: #f3f3f3; --ground: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e6; --soft: #a9aeb4; --line: #33383f; --code: #23272e; --ground: #15181d; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
p { max-width: 60rem; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.words { white-space: normal; overflow-wrap: anywhere; min-width: min(14rem, 45vw); vertical-align: top; }
code { background: var(--code); padding: 0.1rem 0.3rem; overflow-wrap: anywhere; }
.source { color: var(--soft); } .curves { display: grid; gap: 1rem; } figure { margin: 1rem 0; }
svg { display: block; width: 100%; height: auto; } .wide svg { max-width: ${WIDE}px; } .narrow { display: none; }
@media (max-width: 640px) { .wide { display: none; } .narrow { display: block; } }
`;

/** Nothing is fetched, run or sent, whatever the page holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** Cells longer than that are broken into lines; others never are. */
const LONGEST = 36;

function kindOf(cell: Cell, isNumeric: boolean): string {
  if (isNumeric) return ' class="number"';
  return String(cell).length > LONGEST ? ' class="words"' : '';
}

function table(rows: readonly (readonly Cell[])[]): string {
  const [head, ...body] = rows;
  const numeric = head.map((_, column) => body.every(row => /^[-\d.]/.test(String(row[column] ?? ''))));
  const line = (row: readonly Cell[], tag: 'th' | 'td'): string =>
    `<tr>${row
      .map((cell, column) => `<${tag}${kindOf(cell, numeric[column])}>${escapeHtml(cell)}</${tag}>`)
      .join('')}</tr>`;
  return `<table>${line(head, 'th')}${body.map(row => line(row, 'td')).join('')}</table>`;
}

/** The tables of several runs as one, with the run's name in front; rows of other columns get a table of their own. */
function joinedTables(entries: readonly {run: string; record: EvaluationRecord}[]): string {
  const groups = new Map<string, Cell[][]>();
  for (const {run, record} of entries) {
    const [head, ...body] = record.table;
    const key = head.join('\n');
    const rows = groups.get(key) ?? [['run', ...head]];
    rows.push(...body.map(row => [run, ...row]));
    groups.set(key, rows);
  }
  return [...groups.values()].map(table).join('\n');
}

/** The curves of several runs in one plot. */
function overlaid(plots: readonly {run: string; plot: LinePlot}[]): string | undefined {
  if (plots.length === 0) return undefined;
  const marks = new Map(
    plots.flatMap(({plot}) => (plot.marks ?? []).map(mark => [`${mark.x} ${mark.words}`, mark])),
  );
  const levels = new Map(plots.flatMap(({plot}) => (plot.levels ?? []).map(level => [level.words, level])));
  const names = new Map(plots.flatMap(({plot}) => plot.xNames ?? []));
  const joined: LinePlot = {
    ...plots[0].plot,
    xNames: [...names],
    marks: [...marks.values()],
    levels: [...levels.values()],
    series: plots.flatMap(({run, plot}) =>
      plot.series.map(series => ({
        ...series,
        name: plots.length === 1 ? series.name : plot.series.length === 1 ? run : `${run}: ${series.name}`,
      })),
    ),
  };
  return picture(width => linePlot(joined, width));
}

function section(records: readonly {run: string; record: EvaluationRecord}[]): string {
  const {title, definition, source} = records[0].record;
  const plot = overlaid(
    records.flatMap(({run, record}) => (record.plot === undefined ? [] : [{run, plot: record.plot}])),
  );
  const drawings = records.flatMap(({run, record: {map, memory}}) => [
    ...(map === undefined && memory === undefined ? [] : [`<h3>${escapeHtml(run)}</h3>`]),
    ...(map === undefined ? [] : [picture(width => heatMap(map, width))]),
    ...(memory === undefined ? [] : [picture(width => memoryPlot(memory, width))]),
  ]);
  const commands = records.map(({run, record}) => [run, record.step, record.command]);
  return [
    `<h2>${escapeHtml(title)}</h2>`,
    `<p>${escapeHtml(definition)}</p>`,
    plot ?? '',
    ...drawings,
    joinedTables(records),
    `<p class="source">Definition: ${escapeHtml(source)}.</p>`,
    '<h3>Made by</h3>',
    `<table><tr><th>run</th><th class="number">step</th><th>command</th></tr>${commands
      .map(
        ([run, step, command]) =>
          `<tr><td>${escapeHtml(run)}</td><td class="number">${escapeHtml(step)}</td><td class="words"><code>${escapeHtml(command)}</code></td></tr>`,
      )
      .join('')}</table>`,
  ].join('\n');
}

/** What was held out of every run in one plot for each thing that is measured; of a single run all its curves. */
function learningCurves(runs: readonly ReportedRun[]): string[] {
  const groups = new Map<string, {run: string; plot: LinePlot}[]>();
  for (const {name, curve} of runs) {
    if (curve === undefined) continue;
    const key = `${curve.yLabel} ${curve.xLabel}`;
    groups.set(key, [...(groups.get(key) ?? []), {run: name, plot: curve}]);
  }
  return [...groups.values()].map(plots => {
    if (plots.length === 1) return overlaid(plots) ?? '';
    const held = plots.map(({run, plot}) => ({
      run,
      plot: {...plot, title: 'held out', series: plot.series.filter(({name}) => name === 'held out')},
    }));
    return overlaid(held.filter(({plot}) => plot.series.length > 0)) ?? '';
  });
}

/** Rows of words by name, a run each. */
function overview(runs: readonly ReportedRun[], of: 'results' | 'facts'): Cell[][] {
  const names = [...new Set(runs.flatMap(run => run[of].map(([name]) => name)))];
  return [
    ['run', ...names],
    ...runs.map(run => {
      const own = new Map(run[of]);
      return [run.name, ...names.map(name => own.get(name) ?? '-')];
    }),
  ];
}

/**
 * The runs as one HTML document that holds everything, results first: curves, tables, definitions with their sources; no
 * scripts, no network, no absolute paths.
 */
export function htmlReport(title: string, runs: readonly ReportedRun[]): string {
  const names = [...new Set(runs.flatMap(run => run.records.map(record => record.name)))];
  const sections = names.map(name =>
    section(
      runs.flatMap(run => {
        const own = run.records.filter(record => record.name === name);
        return own.map((record, i) => ({
          run: own.length === 1 ? run.name : `${run.name} (${i + 1})`,
          record,
        }));
      }),
    ),
  );
  const curves = learningCurves(runs).filter(curve => curve !== '');
  return `${[
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>`,
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
    table(overview(runs, 'results')),
    ...(curves.length === 0
      ? []
      : ['<h2>Learning curves</h2>', `<div class="curves">${curves.join('\n')}</div>`]),
    ...sections,
    '<h2>Settings</h2>',
    table(overview(runs, 'facts')),
    '</body>',
    '</html>',
  ].join('\n')}\n`;
}
