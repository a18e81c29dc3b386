// bmojo memory: a memory in storage, looked at and kept in order from the command line.

import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import {shown} from '../errors/shown.js';
import {textTable} from '../eval/table.js';
import {exportMemory} from '../memory/exchange/export.js';
import {exportedFormat, importMemory} from '../memory/exchange/import.js';
import type {MemoryBatch, MemorySelection, MemoryStore, OpenMemoryOptions} from '../memory/index.js';
import {openMemory} from '../memory/index.js';
import {byteWords} from './byte-words.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {jsonOption, memoryOption, optionalNumber, selectionOf, selectionOptions} from './memory-options.js';
import {numberOption, wholeOption} from './number-options.js';
import {withOpened} from './opened-memory.js';

type Args = Record<string, unknown>;

async function withMemory<T>(
  argv: Args,
  work: (store: MemoryStore) => Promise<T>,
  options: OpenMemoryOptions = {},
): Promise<T> {
  const store = await openMemory(String(argv.memory), {...options, rowSearch: await createRowSearch()});
  return withOpened(store, work);
}

/** The first rows of a selection; a snapshot that is not read to its end is let go of, as `for` does. */
async function rowAt(store: MemoryStore, selection: MemorySelection): Promise<MemoryBatch | undefined> {
  for await (const batch of store.snapshot(selection)) return batch;
  return undefined;
}

const rowsWords = (rows: number): string => `${rows} row${rows === 1 ? '' : 's'}`;

const statsOptions = {...memoryOption, ...jsonOption};

const statsCommand: CommandModule<object, Args> = {
  command: 'stats',
  describe: 'what a memory holds: streams, layers, rows, positions, innovation',
  builder: yargs =>
    yargs
      .options(statsOptions)
      .check(onlyOptions(statsOptions))
      .example('$0 memory stats --memory runs/memory', 'a folder') as unknown as Argv<Args>,
  handler: argv =>
    withMemory(argv, async store => {
      const stats = await store.stats();
      if (argv.json === true) {
        console.log(JSON.stringify(stats));
        return;
      }
      const {model, layers, groups, width, precision} = stats.format;
      console.log(
        `model ${shown(model)}, layers ${layers.join(', ')}; a row: keys and values of ${groups} x ${width} in ${precision}`,
      );
      const rows = stats.parts.map(({stream, layer, rows: held, first, last, innovation}) => [
        shown(stream),
        layer,
        held,
        `${first}-${last}`,
        innovation.toFixed(3),
      ]);
      if (rows.length > 0)
        console.log(textTable([['stream', 'layer', 'rows', 'positions', 'mean innovation'], ...rows]));
      console.log(`${rowsWords(stats.rows)}, ${byteWords(stats.bytes)} of keys and values`);
    }),
};

const searchOptions = {
  ...memoryOption,
  stream: {type: 'string' as const, demandOption: true as const, describe: 'the stream, by its name'},
  layer: {...wholeOption('the layer, by its number', 0), demandOption: true as const},
  like: {
    ...wholeOption('position of a stored row, whose key is the question', 0),
    demandOption: true as const,
  },
  count: {...wholeOption('rows for each key/value head'), default: 8},
  before: wholeOption('only rows at positions below this, that of --like unless given', 0),
  ...jsonOption,
};

const searchCommand: CommandModule<object, Args> = {
  command: 'search',
  describe: 'what the memory finds for the key of one of its own rows, best first',
  builder: yargs =>
    yargs
      .options(searchOptions)
      .check(onlyOptions(searchOptions))
      .example(
        '$0 memory search --memory runs/memory --stream chat --layer 3 --like 812',
        'what position 812 reminds of, of all that came before it',
      ) as unknown as Argv<Args>,
  handler: argv =>
    withMemory(argv, async store => {
      const [stream, layer, like] = [String(argv.stream), Number(argv.layer), Number(argv.like)];
      const count = Number(argv.count);
      const row = await rowAt(store, {streams: [stream], layer, from: like, before: like + 1});
      if (row === undefined)
        throw new SettingError(`--like ${like}: no row is stored at that position; see memory stats`);
      const before = Int32Array.of(optionalNumber(argv, 'before') ?? like);
      const {positions, scores, tokens} = await store.search({
        stream,
        layer,
        queries: row.keys,
        count,
        before,
      });
      const found = [...positions.keys()]
        .filter(place => positions[place] >= 0)
        .map(place => ({
          head: Math.floor(place / count),
          position: positions[place],
          distance: like - positions[place],
          score: scores[place],
          ...(tokens[place] < 0 ? {} : {token: tokens[place]}),
        }));
      if (argv.json === true) {
        console.log(JSON.stringify({found}));
        return;
      }
      const rows = found.map(({head, position, distance, score, token = ''}) => [
        head,
        position,
        distance,
        score.toFixed(3),
        token,
      ]);
      console.log(
        rows.length === 0
          ? 'nothing is stored before that'
          : textTable([['head', 'position', 'distance', 'score', 'token'], ...rows]),
      );
    }),
};

const forgetOptions = {
  ...memoryOption,
  ...selectionOptions,
  'innovation-below': numberOption(
    'only rows whose innovation is lower: what the model expected anyway',
    0,
    Number.MAX_VALUE,
  ),
  ...jsonOption,
};

const forgetCommand: CommandModule<object, Args> = {
  command: 'forget',
  describe: 'remove rows for good, their bytes included: by stream, layer, positions, innovation',
  builder: yargs =>
    yargs
      .options(forgetOptions)
      .check(onlyOptions(forgetOptions))
      .example('$0 memory forget --memory runs/memory --stream chat', 'a conversation')
      .example(
        '$0 memory forget --memory runs/memory --all --innovation-below 0.2',
        'what says little, of every stream',
      ) as unknown as Argv<Args>,
  handler: argv =>
    withMemory(argv, async store => {
      const least = optionalNumber(argv, 'innovation-below');
      const where =
        least === undefined ? undefined : ({innovation}: {innovation: number}) => innovation < least;
      const rows = await store.forget({...selectionOf(argv), where});
      console.log(argv.json === true ? JSON.stringify({rows}) : `forgot ${rowsWords(rows)}`);
    }),
};

const exportOptions = {
  ...memoryOption,
  ...selectionOptions,
  out: {
    type: 'string' as const,
    demandOption: true as const,
    describe: 'folder to make',
    writes: 'folder' as const,
  },
  ...jsonOption,
};

const exportCommand: CommandModule<object, Args> = {
  command: 'export',
  describe: 'rows as safetensors files and a JSON index, to keep or to move to another store',
  builder: yargs =>
    yargs
      .options(exportOptions)
      .check(onlyOptions(exportOptions))
      .example(
        '$0 memory export --memory runs/memory --all --out runs/memory-copy',
        'everything',
      ) as unknown as Argv<Args>,
  handler: argv =>
    withMemory(argv, async store => {
      const rows = await exportMemory(store, String(argv.out), selectionOf(argv));
      console.log(
        argv.json === true
          ? JSON.stringify({rows, folder: argv.out})
          : `${rowsWords(rows)} written: ${argv.out}`,
      );
    }),
};

const importOptions = {...memoryOption, ...jsonOption};

const importCommand: CommandModule<object, Args> = {
  command: 'import <folder>',
  describe: 'what memory export wrote, into a memory that is made where there is none',
  builder: yargs =>
    yargs
      .positional('folder', {type: 'string', describe: 'folder made by bmojo memory export'})
      .options(importOptions)
      .check(onlyOptions(importOptions, 'folder'))
      .example(
        '$0 memory import runs/memory-copy --memory postgres://me@localhost/memory',
        'from a folder to a server',
      ) as unknown as Argv<Args>,
  handler: argv => {
    const folder = String(argv.folder);
    return withMemory(
      argv,
      async store => {
        const rows = await importMemory(folder, store);
        console.log(
          argv.json === true ? JSON.stringify({rows, folder}) : `${rowsWords(rows)} imported from ${folder}`,
        );
      },
      {format: exportedFormat(folder)},
    );
  },
};

export const memoryCommand: CommandModule<object, Args> = {
  builder: yargs =>
    yargs
      .command(statsCommand)
      .command(searchCommand)
      .command(forgetCommand)
      .command(exportCommand)
      .command(importCommand)
      .demandCommand(1, NEEDS_COMMAND) as Argv<Args>,
  handler: () => {},
};
