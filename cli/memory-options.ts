// Options that the memory commands share: which store, and which of its rows.

import {SettingError} from '../config/schema.js';
import type {MemorySelection} from '../memory/store.js';
import {wholeOption} from './number-options.js';

export const memoryOption = {
  memory: {
    type: 'string' as const,
    demandOption: true as const,
    describe:
      'where the memory is: a folder, postgres://USER@HOST/DATABASE (npm install pg), or pglite:FOLDER ' +
      '(npm install @electric-sql/pglite @electric-sql/pglite-pgvector)',
  },
};

export const rangeOptions = {
  layer: wholeOption('one layer, by its number; all unless given', 0),
  from: wholeOption('first position, 0 unless given', 0),
  before: wholeOption('position behind the last; no end unless given', 0),
};

export const selectionOptions = {
  stream: {
    type: 'string' as const,
    array: true as const,
    describe: 'a stream by its name, such as a conversation; may be given several times',
  },
  all: {type: 'boolean' as const, default: false, describe: 'every stream'},
  ...rangeOptions,
};

export const jsonOption = {
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object'},
};

type Args = Readonly<Record<string, unknown>>;

export function optionalNumber(argv: Args, option: string): number | undefined {
  const value = argv[option];
  return typeof value === 'number' ? value : undefined;
}

/** Errors: SettingError unless either streams or --all are given. */
export function selectionOf(argv: Args): MemorySelection {
  const streams = Array.isArray(argv.stream) ? argv.stream.map(String) : [];
  if ((argv.all === true) === streams.length > 0)
    throw new SettingError('say which rows: either --stream NAME, once or more, or --all');
  return {
    streams: argv.all === true ? 'all' : streams,
    layer: optionalNumber(argv, 'layer'),
    from: optionalNumber(argv, 'from'),
    before: optionalNumber(argv, 'before'),
  };
}
