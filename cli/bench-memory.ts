// bmojo bench memory: appending to stores and searching them, beside the time of reading their bytes.

import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import type {
  FillProgress,
  MeasuredPlace,
  MemoryBenchSettings,
  MemoryTiming,
  Quantiles,
} from '../bench/memory.js';
import {benchMemory} from '../bench/memory.js';
import type {MemoryDecodeTiming} from '../bench/memory-decode.js';
import {benchMemoryDecode} from '../bench/memory-decode.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import {useBackend} from '../custom-ops/index.js';
import {textTable} from '../eval/table.js';
import type {KeySearch} from '../memory/index.js';
import {memoryInProcess, openMemory} from '../memory/index.js';
import {onlyOptions} from './command-line.js';
import {numberList, wordList} from './lists.js';
import {wholeOption, wholesOption, wordsOption} from './number-options.js';
import {reopened} from './reopened-memory.js';
import {StatusLine} from './status-line.js';

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
  repeats: {...wholeOption('appends and searches, or tokens, that are timed'), default: 100},
  'exact-rows': wholeOption(
    'rows up to which pglite scores every one, an index finds beyond; as it is every one, with --decode 10,000',
  ),
  decode: {
    type: 'boolean' as const,
    describe:
      'time the tokens of a small model that decodes with the store: a search at each, an update behind each window; --width is that of its heads',
  },
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

/** Two layers, of which the last retrieves: what surrounds the store is small. */
function decodingModel({width, count, window}: {width: number; count: number; window: number}) {
  const shared = {vocabSize: 256, layers: 2, heads: 2, dModel: 2 * width, kvHeads: 1};
  return {...shared, preset: 'bmojo-f', eideticSlots: 0, window, storage: count} as const;
}

/**
 * Of pglite every row is scored up to `exactRows`. Its index is made of all rows at once: row by row, as they come, would take
 * several times as long.
 */
function placeOf(
  name: (typeof places)[number],
  folder: string,
  {rowSearch, exactRows}: {rowSearch: KeySearch; exactRows?: number},
): MeasuredPlace {
  const below = join(folder, name);
  switch (name) {
    case 'process':
      return {name, open: async format => memoryInProcess(format, {rowSearch})};
    case 'folder':
      return {name, open: format => openMemory(below, {format, rowSearch})};
    case 'pglite':
      return {
        name,
        open: format => openMemory(`pglite:${below}`, {format, exactRows: EXACT}),
        filled: filling => reopened(`pglite:${below}`, filling, exactRows),
      };
  }
}

/** Shows how far a place is filled. */
function fillProgress(): FillProgress {
  const status = new StatusLine(process.stderr);
  return (place, rows, of) => {
    if (rows === of) status.clear();
    else if (status.isDue(Date.now())) status.show(`${place}: ${rows} of ${of} rows are stored`);
  };
}

const digits = (ms: number): string => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1));

type Table = readonly (readonly (string | number)[])[];

async function searched(asked: MemoryBenchSettings): Promise<[MemoryTiming[], Table]> {
  const timings: MemoryTiming[] = [];
  for await (const timing of benchMemory(asked)) {
    timings.push(timing);
    console.error(`${timing.place} with ${timing.rows} rows: search ${digits(timing.searchMs.p50)} ms`);
  }
  const head = [
    'store',
    'rows',
    'search p50, ms',
    'p99',
    'its CPU',
    'of reading, SIMD',
    'memchr',
    'times the reading',
    'append p50, ms',
    'p99',
  ];
  const rows = timings.map(
    ({place, rows: held, searchMs, searchCpuMs, appendMs, floorCpuMs, libraryCpuMs}) => [
      place,
      held,
      ...[searchMs.p50, searchMs.p99, searchCpuMs, floorCpuMs, libraryCpuMs].map(digits),
      (searchCpuMs / floorCpuMs).toFixed(2),
      ...[appendMs.p50, appendMs.p99].map(digits),
    ],
  );
  return [timings, [head, ...rows]];
}

async function decoded({
  places: measured,
  rows,
  precision,
  repeats: tokens,
  onFill,
  ...sizes
}: MemoryBenchSettings): Promise<[MemoryDecodeTiming[], Table]> {
  await useBackend('wasm');
  const timings: MemoryDecodeTiming[] = [];
  const asked = {model: decodingModel(sizes), places: measured, rows, precision, tokens, onFill};
  for await (const timing of benchMemoryDecode(asked)) {
    timings.push(timing);
    console.error(`${timing.place} with ${timing.rows} rows: ${digits(timing.tokenMs.p50)} ms a token`);
  }
  const quantileWords = (of: Quantiles | undefined): string[] =>
    of === undefined ? ['', ''] : [digits(of.p50), digits(of.p99)];
  const head = [
    'store',
    'rows',
    'token p50, ms',
    'p99',
    'its CPU p50',
    'p99',
    'with an update under way',
    'p50, ms',
    'p99',
    'its CPU p50',
    'p99',
  ];
  const table = timings.map(timing => [
    timing.place,
    timing.rows,
    ...[timing.tokenMs, timing.tokenCpuMs].flatMap(quantileWords),
    timing.during,
    ...[timing.duringMs, timing.duringCpuMs].flatMap(quantileWords),
  ]);
  return [timings, [head, ...table]];
}

export const benchMemoryCommand: CommandModule<object, Args> = {
  builder: yargs => yargs.options(options).check(onlyOptions(options)) as unknown as Argv<Args>,
  handler: async argv => {
    const rowSearch = await createRowSearch();
    const rows = numberList('rows', String(argv.rows)).sort((a, b) => a - b);
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-bench-memory-'));
    const precision = argv.precision === 'f32' ? 'f32' : 'f16';
    const numbers = {
      width: Number(argv.width),
      count: Number(argv.count),
      window: Number(argv.window),
      repeats: Number(argv.repeats),
    };
    const given = argv['exact-rows'] === undefined ? undefined : Number(argv['exact-rows']);
    const exactRows = given ?? (argv.decode === true ? undefined : EXACT);
    const measured = wordList('places', String(argv.places), places).map(name =>
      placeOf(name, folder, {rowSearch, exactRows}),
    );
    const asked = {places: measured, rows, precision, onFill: fillProgress(), ...numbers} as const;
    let timings: readonly (MemoryTiming | MemoryDecodeTiming)[];
    let table: Table;
    try {
      if (argv.decode === true) [timings, table] = await decoded(asked);
      else [timings, table] = await searched(asked);
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
    console.log(`${textTable(table)}\n\nwritten: ${path}`);
  },
};
