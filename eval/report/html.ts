// One HTML file that holds everything: runs, curves, tables, definitions with their sources. No scripts, no network.

import type {LinePlot} from '../../plot/line-plot.js';
import {linePlot} from '../../plot/line-plot.js';
import {memoryPlot} from '../../plot/memory-plot.js';
import type {Cell} from '../table.js';
import type {EvaluationRecord} from './record.js';

/** One run in a report: its facts, its learning curve, and what its evaluations found. */
export interface ReportedRun {
  /** Its name in tables and legends, unique within the report. */
  readonly name: string;
  /** Settings and figures: rows of words. */
  readonly facts: readonly (readonly [string, Cell])[];
  /** Learning curve. */
  readonly curve?: LinePlot;
  readonly records: readonly EvaluationRecord[];
}

const escapeHtml = (text: Cell): string =>
  String(text).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid #e4e4e4; text-align: left; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.words { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; vertical-align: top; }
code { background: #f3f3f3; padding: 0.1rem 0.3rem; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; } .source { color: #555; } .curves { display: grid; gap: 1rem; }
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
function joinedPlot(entries: readonly {run: string; record: EvaluationRecord}[]): string | undefined {
  const plots = entries.flatMap(({run, record}) =>
    record.plot === undefined ? [] : [{run, plot: record.plot}],
  );
  if (plots.length === 0) return undefined;
  const marks = new Map(
    plots.flatMap(({plot}) => (plot.marks ?? []).map(mark => [`${mark.x} ${mark.words}`, mark])),
  );
  const names = new Map(plots.flatMap(({plot}) => plot.xNames ?? []));
  const joined: LinePlot = {
    ...plots[0].plot,
    xNames: [...names],
    marks: [...marks.values()],
    series: plots.flatMap(({run, plot}) =>
      plot.series.map(series => ({
        ...series,
        name: plots.length === 1 ? series.name : plot.series.length === 1 ? run : `${run}: ${series.name}`,
      })),
    ),
  };
  return linePlot(joined);
}

function section(records: readonly {run: string; record: EvaluationRecord}[]): string {
  const {title, definition, source} = records[0].record;
  const plot = joinedPlot(records);
  const drawings = records.flatMap(({run, record}) =>
    record.memory === undefined ? [] : [`<h3>${escapeHtml(run)}</h3>`, memoryPlot(record.memory)],
  );
  const commands = records.map(({run, record}) => [run, record.step, record.command]);
  return [
    `<h2>${escapeHtml(title)}</h2>`,
    `<p>${escapeHtml(definition)}</p>`,
    `<p class="source">Definition: ${escapeHtml(source)}.</p>`,
    plot ?? '',
    ...drawings,
    joinedTables(records),
    '<h3>Made by</h3>',
    `<table><tr><th>run</th><th class="number">step</th><th>command</th></tr>${commands
      .map(
        ([run, step, command]) =>
          `<tr><td>${escapeHtml(run)}</td><td class="number">${escapeHtml(step)}</td><td class="words"><code>${escapeHtml(command)}</code></td></tr>`,
      )
      .join('')}</table>`,
  ].join('\n');
}

/**
 * The runs as one HTML document that holds everything: curves, tables, definitions with their sources; no
 * scripts, no network.
 */
export function htmlReport(title: string, runs: readonly ReportedRun[]): string {
  const facts = [...new Set(runs.flatMap(run => run.facts.map(([name]) => name)))];
  const overview = [
    ['run', ...facts],
    ...runs.map(run => {
      const own = new Map(run.facts);
      return [run.name, ...facts.map(name => own.get(name) ?? '-')];
    }),
  ];
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
  const curves = runs.flatMap(run =>
    run.curve === undefined
      ? []
      : [`<figure><figcaption>${escapeHtml(run.name)}</figcaption>${linePlot(run.curve)}</figure>`],
  );
  return `${[
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>`,
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
    table(overview),
    ...sections,
    ...(curves.length === 0
      ? []
      : ['<h2>Learning curves</h2>', `<div class="curves">${curves.join('\n')}</div>`]),
    '</body>',
    '</html>',
  ].join('\n')}\n`;
}
