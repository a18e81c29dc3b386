// Measurements that documents quote: each a folder of experiments/results with the numbers, the command that makes them and
// the machine that made them. RESULTS.md is written from these, and a test compares every document with them.

import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import {markdownTable} from '../eval/table.js';
import {isCount, isRecord} from '../formats/json-text.js';

/** Parts of RESULTS.md, in their order. */
export const resultSections = ['Recall', 'Length', 'Language', 'Storage', 'Browser', 'Operators'] as const;

export type ResultSection = (typeof resultSections)[number];

export interface ResultTable {
  readonly caption?: string;
  /** First row: headings. */
  readonly rows: readonly (readonly string[])[];
}

/** One kept measurement. */
export interface KeptResult {
  /** Name of its folder, and of its section in RESULTS.md. */
  readonly name: string;
  /** Part of RESULTS.md that it belongs to. */
  readonly section: ResultSection;
  readonly title: string;
  /** What came out, in a sentence. */
  readonly finding: string;
  readonly tables: readonly ResultTable[];
  /** Single numbers as documents quote them, by name. */
  readonly figures: Readonly<Record<string, string>>;
  /** What a reader must know to judge the numbers. */
  readonly notes: readonly string[];
  /** Lines of command.txt. */
  readonly commands: readonly string[];
  readonly machine: ResultMachine;
  readonly hasPlot: boolean;
}

export interface ResultMachine {
  readonly machine: string;
  /** Day of the measurement, year first. */
  readonly date: string;
  readonly seeds: readonly number[];
  readonly software?: string;
}

/** A kept result that lacks a file or a field. */
export class KeptResultError extends BmojoError {
  override readonly name = 'KeptResultError';
  readonly kind = 'damage';
}

/** All kept results below `folder`, by name. Errors: KeptResultError naming the file and what it lacks. */
export function readKeptResults(folder: string): KeptResult[] {
  return readdirSync(folder, {withFileTypes: true})
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
    .map(name => readKeptResult(folder, name));
}

function readKeptResult(folder: string, name: string): KeptResult {
  const path = (file: string): string => join(folder, name, file);
  const lines = existsSync(path('command.txt'))
    ? readFileSync(path('command.txt'), 'utf8').trimEnd().split('\n')
    : [];
  if (lines.join('') === '') throw new KeptResultError(`${path('command.txt')} must hold the command`);
  const result = readJson(path('result.json'), ['section', 'title', 'finding', 'tables']);
  const machine = machineOf(path('machine.json'));
  const part = resultSections.find(known => known === result.section);
  if (part === undefined)
    throw new KeptResultError(
      `${path('result.json')}: section must be one of ${resultSections.join(', ')}, got ${String(result.section)}`,
    );
  const {title, finding, figures = {}, notes = []} = result;
  const fail = refusalIn(path('result.json'));
  return {
    name,
    section: part,
    title: isText(title) ? title : fail('title must be text', title),
    finding: isText(finding) ? finding : fail('finding must be text', finding),
    tables: tablesOf(result.tables, fail),
    figures: isTexts(figures) ? figures : fail('figures must be texts by name', figures),
    notes: isTextList(notes) ? notes : fail('notes must be a list of texts', notes),
    commands: lines,
    machine,
    hasPlot: existsSync(path('plot.svg')),
  };
}

type Refusal = (expected: string, got: unknown) => never;

const refusalIn =
  (path: string): Refusal =>
  (expected, got) => {
    throw new KeptResultError(`${path}: ${expected}, got ${shown(got)}`);
  };

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isTexts = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every(isText);

/** Every row of a table has as many texts as its headings. */
function tablesOf(value: unknown, fail: Refusal): ResultTable[] {
  if (!Array.isArray(value)) return fail('tables must be a list', value);
  return value.map((table: unknown) => {
    const {caption, rows} = isRecord(table) ? table : {};
    if (!(caption === undefined || isText(caption)) || !Array.isArray(rows) || rows.length === 0)
      return fail('a table must hold rows, and a caption as text or none', table);
    const {length} = rows[0];
    const checked = rows.map((row: unknown) =>
      isTextList(row) && row.length === length ? row : fail(`every row must hold ${length} texts`, row),
    );
    return {...(caption === undefined ? {} : {caption}), rows: checked};
  });
}

function machineOf(path: string): ResultMachine {
  const fail = refusalIn(path);
  const {machine, date, seeds, software} = readJson(path, ['machine', 'date', 'seeds']);
  if (!isText(machine)) return fail('machine must be text', machine);
  if (!isText(date) || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return fail('date must read as 2026-11-29', date);
  if (!Array.isArray(seeds) || !seeds.every(isCount)) return fail('seeds must be whole numbers', seeds);
  if (!(software === undefined || isText(software))) return fail('software must be text', software);
  return {machine, date, seeds, ...(software === undefined ? {} : {software})};
}

function readJson(path: string, keys: readonly string[]): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new KeptResultError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null) throw new KeptResultError(`${path} must hold an object`);
  const missing = keys.find(key => !(key in value));
  if (missing !== undefined) throw new KeptResultError(`${path} lacks '${missing}'`);
  return value as Record<string, unknown>;
}

/** The tables of a result as Markdown, for a README that shows them. */
export function resultTables({tables}: KeptResult): string {
  return tables
    .map(({caption, rows}) => `${caption === undefined ? '' : `${caption}:\n\n`}${markdownTable(rows)}`)
    .join('\n\n');
}

function section(result: KeptResult): string {
  const {name, title, finding, notes, commands, machine, hasPlot} = result;
  const seeds = machine.seeds.length === 0 ? '' : `; seeds ${machine.seeds.join(', ')}`;
  const software = machine.software === undefined ? '' : `; ${machine.software}`;
  return [
    `<a id="${name}"></a>\n\n### ${title}`,
    ...(finding === '' ? [] : [finding]),
    resultTables(result),
    ...(hasPlot ? [`![${title}](experiments/results/${name}/plot.svg)`] : []),
    ...notes,
    `\`\`\`sh\n${commands.join('\n')}\n\`\`\``,
    `On ${machine.machine}, ${machine.date}${seeds}${software}. [Files](experiments/results/${name}/).`,
  ].join('\n\n');
}

/** RESULTS.md, whole. */
export function resultsDocument(results: readonly KeptResult[]): string {
  const parts = resultSections
    .map(name => ({name, own: results.filter(result => result.section === name)}))
    .filter(({own}) => own.length > 0);
  const contents = parts
    .map(({name, own}) => `- ${name}: ${own.map(result => `[${result.title}](#${result.name})`).join(', ')}`)
    .join('\n');
  const text = [
    '# Results',
    'Every number here comes from a command that anyone can run, and is kept below `experiments/results/` with the machine, the day and the seeds. Written by `npm run docs`; do not edit. One seed is an anecdote: the line below each result says how many there were. Ratios travel from machine to machine, absolute times do not.',
    contents,
    ...parts.flatMap(({name, own}) => [`## ${name}`, ...own.map(section)]),
  ].join('\n\n');
  return `${text}\n`;
}
