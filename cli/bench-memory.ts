// bmojo bench memory: appending to stores and searching them, beside the time of reading their bytes.

import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import type {MeasuredPlace, MemoryTiming} from '../bench/memory.js';
import {benchMemory} from '../bench/memory.js';
import {SettingError} from '../config/schema.js';
import {textTable} from '../eval/table.js';
import {memoryInProcess, openMemory} from '../memory/index.js';
import {onlyOptions, wholeNumber} from './command-line.js';

type Args = Record<string, unknown>;

const places = ['process', 'folder', 'pglite'] as const;

const options = {
  places: {
    type: 'string' as const,
    default: places.join(','),
    describe: `stores: ${places.join(', ')}, separated by commas; in folders that are removed`,
  },
  rows: {type: 'string' as const, default: '1000,100000,1000000', describe: 'rows held when it is measured'},
  precision: {choices: ['f16', 'f32'] as const, default: 'f16' as const, describe: 'numbers of stored keys'},
  width: {type: 'number' as const, default: 64, describe: 'head width Dh of the one key/value head'},
  count: {type: 'number' as const, default: 8, describe: 'rows that a search finds'},
  window: {type: 'number' as const, default: 32, describe: 'rows that are appended together'},
  repeats: {type: 'number' as const, default: 100, describe: 'appends and searches that are timed'},
  out: {
    type: 'string' as const,
    default: join('runs', 'bench-memory'),
    describe: 'folder for memory.json',
  },
};

/** Beyond any number of rows: databases score every row, as the others do. */
const EXACT = 2 ** 31 - 2;

function placeOf(name: string, folder: string): MeasuredPlace {
  const below = join(folder, name);
  switch (name) {
    case 'process':
      return {name, open: async format => memoryInProcess(format)};
    case 'folder':
      return {name, open: format => openMemory(below, {format})};
    case 'pglite':
      return {name, open: format => openMemory(`pglite:${below}`, {format, exactRows: EXACT})};
    default:
      throw new SettingError(`--places: must be of ${places.join(', ')}, got '${name}'`);
  }
}

function sizes(words: string): number[] {
  return words.split(',').map((word, i, all) => {
    const rows = Number(word);
    if (Number.isInteger(rows) && rows > (i === 0 ? 0 : Number(all[i - 1]))) return rows;
    throw new SettingError(`--rows: must be ascending whole numbers separated by commas, got '${word}'`);
  });
}

const digits = (ms: number): string => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1));

export const benchMemoryCommand: CommandModule<object, Args> = {
  builder: yargs => yargs.options(options).check(onlyOptions(options)) as unknown as Argv<Args>,
  handler: async argv => {
    const rows = sizes(String(argv.rows));
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-bench-memory-'));
    const timings: MemoryTiming[] = [];
    const precision = argv.precision === 'f32' ? 'f32' : 'f16';
    const numbers = {
      width: wholeNumber(argv, 'width'),
      count: wholeNumber(argv, 'count'),
      window: wholeNumber(argv, 'window'),
      repeats: wholeNumber(argv, 'repeats'),
    };
    try {
      const measured = String(argv.places)
        .split(',')
        .map(name => placeOf(name, folder));
      for await (const timing of benchMemory({places: measured, rows, precision, ...numbers})) {
        timings.push(timing);
        console.error(`${timing.place} with ${timing.rows} rows: search ${digits(timing.searchMs.p50)} ms`);
      }
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
    const out = String(argv.out);
    mkdirSync(out, {recursive: true});
    const path = join(out, 'memory.json');
    writeFileSync(path, `${JSON.stringify({precision, ...numbers, timings}, null, 2)}\n`);
    const head = [
      'store',
      'rows',
      'search p50, ms',
      'p99',
      'its CPU',
      'CPU of reading',
      'append p50, ms',
      'p99',
    ];
    const table = timings.map(({place, rows: held, searchMs, searchCpuMs, appendMs, floorCpuMs}) => [
      place,
      held,
      ...[searchMs.p50, searchMs.p99, searchCpuMs, floorCpuMs, appendMs.p50, appendMs.p99].map(digits),
    ]);
    console.log(`${textTable([head, ...table])}\n\nwritten: ${path}`);
  },
};
