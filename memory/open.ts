// One way to any store: the place says which it is.

import {openPlace} from '#memory-places';
import {checkFormat, checkOptions} from './check.js';
import {InProcessMemory} from './in-process.js';
import type {PgliteLike} from './sql/database.js';
import {pgliteDatabase} from './sql/database.js';
import {openSql} from './sql/open.js';
import type {MemoryFormat, MemoryStore, MemoryStoreOptions} from './store.js';

/** What a memory is to hold, how much of it, and when it is searched by an index. */
export interface OpenMemoryOptions extends MemoryStoreOptions {
  /** What the store holds: a new one is made of it, another one refused. Default: whatever is there, which then must be. */
  readonly format?: MemoryFormat;
  /** Databases: rows of a stream and layer up to which every one is scored; an index finds beyond. Default 10,000. */
  readonly exactRows?: number;
}

/**
 * Opens a store of memory, or makes one where a format is given and there is none. A place is a folder, `pglite:FOLDER` or
 * `postgres://...` in Node; anywhere it is an opened PGlite, such as `new PGlite('idb://NAME', {extensions: {vector}})` in a
 * browser, which is closed with the store.
 * Errors: MemoryStoreError for a place that is none, a store of another format or of another process, damaged files, a
 * package that is not installed.
 */
export async function openMemory(
  place: string | PgliteLike,
  options: OpenMemoryOptions = {},
): Promise<MemoryStore> {
  const {format, ...rest} = options;
  if (format !== undefined) checkFormat('openMemory', format);
  checkOptions('openMemory', rest);
  return typeof place === 'string'
    ? openPlace(place, format, rest)
    : openSql('the database', pgliteDatabase(place), format, rest);
}

/** A store in this process alone, which ends with it. Errors: MemoryStoreError for a format or quota that makes no sense. */
export function memoryInProcess(format: MemoryFormat, options: MemoryStoreOptions = {}): MemoryStore {
  return new InProcessMemory(format, options);
}
