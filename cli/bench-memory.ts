// bmojo bench memory: appending to stores and searching them, beside the time of reading their bytes.

import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import type {MeasuredPlace, MemoryTiming} from '../bench/memory.js';
import {benchMemory} from '../bench/memory.js';
import {SettingError} from '../config/schema.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import {textTable} from '../eval/table.js';
import type {KeySearch} from '../memory/index.js';
import {memoryInProcess, openMemory} from '../memory/index.js';
import {onlyOptions} from './command-line.js';
import {numberList} from './lists.js';
import {wholeOption, wholesOption, wordsOption} from './number-options.js';

type Args = Record<string, unknown>;

const places = ['process', 'folder', 'pglite'] as const;

const options = {
  places: {
    ...wordsOption(`stores: ${places.join(', ')}, separated by commas; in folders that are removed`, places),
    default: places.join(','),
  },
  rows: {
    ...wholesOption('rows held when it is measured, separated by commas'),
    default: '1000,100000,1000000',
  },
  precision: {choices: ['f16', 'f32'] as const, default: 'f16' as const, describe: 'numbers of stored keys'},
  width: {...wholeOption('head width Dh of the one key/value head'), default: 64},
  count: {...wholeOption('rows that a search finds'), default: 8},
  window: {...wholeOption('rows that are appended together'), default: 32},
  repeats: {...wholeOption('appends and searches that are timed'), default: 100},
  out: {
    type: 'string' as const,
    default: join('runs', 'bench-memory'),
    describe: 'folder for memory.json',
    writes: 'folder' as const,
  },
  json: {type: 'boolean' as const, describe: 'print JSON'},
};

/** Beyond any number of rows: databases score every row, as the others do. */
const EXACT = 2 ** 31 - 2;

function placeOf(name: string, folder: string, rowSearch: KeySearch): MeasuredPlace {
  const below = join(folder, name);
  switch (name) {
    case 'process':
      return {name, open: async format => memoryInProcess(format, {rowSearch})};
    case 'folder':
      return {name, open: format => openMemory(below, {format, rowSearch})};
    case 'pglite':
      return {name, open: format => openMemory(`pglite:${below}`, {format, exactRows: EXACT})};
    default:
      throw new SettingError(`--places: must be of ${places.join(', ')}, got '${name}'`);
  }
}

const digits = (ms: number): string => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1));

export const benchMemoryCommand: CommandModule<object, Args> = {
  builder: yargs => yargs.options(options).check(onlyOptions(options)) as unknown as Argv<Args>,
  handler: async argv => {
    const rowSearch = await createRowSearch();
    const rows = numberList('rows', String(argv.rows)).sort((a, b) => a - b);
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-bench-memory-'));
    const timings: MemoryTiming[] = [];
    const precision = argv.precision === 'f32' ? 'f32' : 'f16';
    const numbers = {
      width: Number(argv.width),
      count: Number(argv.count),
      window: Number(argv.window),
      repeats: Number(argv.repeats),
    };
    try {
      const measured = String(argv.places)
        .split(',')
        .map(name => placeOf(name, folder, rowSearch));
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
    if (argv.json === true) {
      console.log(JSON.stringify({precision, ...numbers, timings}, null, 2));
      return;
    }
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
