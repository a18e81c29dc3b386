// Every run below a folder, as rows of settings and results that can be filtered and exported.

import {lstatSync, readdirSync} from 'node:fs';
import {join, relative} from 'node:path';
import {errorWords, isForUsers} from '../errors/error-words.js';
import type {Cell} from '../eval/table.js';
import {isLanguageReport} from './families/index.js';
import {RunFolder} from './run-folder.js';
import {settingRow} from './run-settings.js';

/** One run: its settings and results by name. */
export type RunRow = Readonly<Record<string, Cell>>;

/** Folders inside of runs, and folders of others, in which no run lies. */
const SKIPPED = new Set(['checkpoint', 'best', 'model', 'model-best', 'evaluations', 'node_modules', '.git']);
const DEPTH = 6;

/** Folders of runs below `root`, itself included, by name; links are not followed. */
export function findRuns(root: string, depth = DEPTH): string[] {
  const entries = readdirSync(root, {withFileTypes: true});
  if (entries.some(entry => entry.isFile() && entry.name === 'config.json')) return [root];
  if (depth === 0) return [];
  return entries
    .filter(entry => entry.isDirectory() && !SKIPPED.has(entry.name))
    .map(entry => join(root, entry.name))
    .sort()
    .flatMap(path => findRuns(path, depth - 1));
}

/** A run's row. Errors: those of `RunFolder.open`; RunFolderError for damaged metrics or results. */
export function runRow(path: string, name: string): RunRow {
  const folder = RunFolder.open(path);
  const {task, backend, model} = folder.config;
  const result = folder.finished ? folder.readResult() : undefined;
  const last = folder.evaluations().at(-1);
  const report = result?.report ?? last?.report;
  const step = result?.step ?? folder.checkpoints.lastStep;
  const measured: Record<string, Cell | undefined> = {
    loss: report?.loss,
    accuracy: report?.accuracy,
    ...(report !== undefined && isLanguageReport(report)
      ? {perplexity: report.perplexity, 'bits-per-byte': report.bitsPerByte}
      : {}),
    parameters: result?.parameters,
    'state-bytes': result?.stateBytes,
    'tokens-per-second': result?.tokensPerSecond,
  };
  return Object.fromEntries<Cell>([
    ['run', name],
    ['task', task],
    ['model', model.preset],
    ['state', result !== undefined ? 'finished' : step === undefined ? 'begun' : 'unfinished'],
    ['step', step ?? 0],
    ...Object.entries(measured).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
    ['backend', backend],
    ...settingRow(folder.config),
  ]);
}

/** The rows of all runs below `root`, and what cannot be read, in words. */
export function listRuns(root: string): {rows: RunRow[]; unreadable: string[]} {
  const rows: RunRow[] = [];
  const unreadable: string[] = [];
  for (const path of findRuns(root)) {
    try {
      rows.push(runRow(path, relative(root, path) || path));
    } catch (error) {
      if (!isForUsers(error)) throw error;
      unreadable.push(errorWords(error));
    }
  }
  return {rows, unreadable};
}

/** Whether a path is a folder. */
export function isFolder(path: string): boolean {
  return lstatSync(path, {throwIfNoEntry: false})?.isDirectory() === true;
}

/** Comma-separated values as RFC 4180 has them, every column that any row has. */
export function csvOf(rows: readonly RunRow[]): string {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const cell = (value: Cell = ''): string =>
    /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  return [columns, ...rows.map(row => columns.map(column => row[column]))]
    .map(row => `${row.map(value => cell(value)).join(',')}\r\n`)
    .join('');
}
