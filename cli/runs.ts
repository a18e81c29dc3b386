// `bmojo runs`: the runs below a folder, filtered, sorted, as a table, CSV or JSON.

import type {Argv, CommandModule} from 'yargs';
import {SettingError, suggestion} from '../config/schema.js';
import {percent, textTable} from '../eval/table.js';
import type {RunRow} from '../experiments/run-list.js';
import {csvOf, isFolder, listRuns} from '../experiments/run-list.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {onlyOptions} from './command-line.js';
import {checkFolder} from './option-file.js';

type Args = Record<string, unknown>;

const options = {
  where: {
    type: 'string' as const,
    array: true as const,
    describe:
      'only runs with this setting or result, such as window=8 or state=finished; several must all hold',
  },
  sort: {type: 'string' as const, default: 'run', describe: 'setting or result to sort by, ascending'},
  csv: {
    type: 'string' as const,
    describe: 'file to write: every setting and result, one run a line',
    writes: 'file' as const,
  },
  json: {type: 'boolean' as const, describe: 'print one JSON object a run: every setting and result'},
};

/** Errors: SettingError for a name that no run has. */
function checkKey(option: string, key: string, rows: readonly RunRow[]): void {
  const known = [...new Set(rows.flatMap(row => Object.keys(row)))];
  if (rows.length === 0 || known.includes(key)) return;
  const near = suggestion(key, known);
  throw new SettingError(
    `--${option}: no run has '${key}'; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean '${near}'?`}`,
  );
}

/** Rows that hold all conditions. Errors: SettingError. */
function filtered(rows: readonly RunRow[], conditions: readonly string[]): RunRow[] {
  const wanted = conditions.map(condition => {
    const [, key, value] = /^([\w-]+)=(.*)$/s.exec(condition) ?? [];
    if (key === undefined)
      throw new SettingError(`--where must be NAME=VALUE, such as window=8, got ${condition}`);
    checkKey('where', key, rows);
    return {key, value};
  });
  const holds = (own: string | number | undefined, value: string): boolean =>
    own !== undefined &&
    (String(own) === value || (typeof own === 'number' && value !== '' && own === Number(value)));
  return rows.filter(row => wanted.every(({key, value}) => holds(row[key], value)));
}

function sorted(rows: readonly RunRow[], key: string): RunRow[] {
  return [...rows].sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    const [one, other] = [String(x), String(y)];
    return one === other ? 0 : one < other ? -1 : 1;
  });
}

function shownTable(rows: readonly RunRow[]): string {
  const fixed = (value: string | number | undefined): string =>
    typeof value === 'number' ? value.toFixed(4) : '-';
  return textTable([
    ['run', 'task', 'model', 'state', 'step', 'rate', 'seed', 'loss', 'accuracy', 'tokens/s'],
    ...rows.map(row => [
      row.run,
      row.task,
      row.model,
      row.state,
      `${row.step}/${row.steps}`,
      row.rate,
      row.seed,
      fixed(row.loss),
      typeof row.accuracy === 'number' ? percent(row.accuracy) : '-',
      typeof row['tokens-per-second'] === 'number' ? Math.round(row['tokens-per-second']) : '-',
    ]),
  ]);
}

function execute(argv: Args): void {
  const root = String(argv.folder);
  if (!isFolder(root)) throw new SettingError(`runs: ${root} must be a folder, there is none`);
  checkFolder('--csv', argv.csv);
  const {rows: all, unreadable} = listRuns(root);
  const sort = String(argv.sort);
  checkKey('sort', sort, all);
  const rows = sorted(filtered(all, Array.isArray(argv.where) ? argv.where.map(String) : []), sort);
  for (const words of unreadable) process.stderr.write(`note: left out: ${words}\n`);
  if (argv.json === true) for (const row of rows) console.log(JSON.stringify(row));
  else if (rows.length > 0) console.log(shownTable(rows));
  else console.log(all.length === 0 ? `no runs below ${root}` : `none of ${all.length} runs`);
  if (typeof argv.csv !== 'string') return;
  writeFileAtomic(argv.csv, csvOf(rows));
  if (argv.json !== true) console.log(`\nwritten: ${argv.csv}`);
}

export const runsCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('folder', {type: 'string', default: 'runs', describe: 'folder with runs at any depth'})
      .options(options)
      .check(onlyOptions(options, 'folder'))
      .example('$0 runs --where task=mqar --sort accuracy', 'the best comes last')
      .example('$0 runs runs/compare-mqar --csv runs/all.csv', 'for a spreadsheet or a notebook'),
  handler: execute,
};
