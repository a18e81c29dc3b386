// Places of stores in Node. What a place needs beyond this package is loaded when it is named.

import {openFolder} from '../segments/open.js';
import type {SqlOptions} from '../sql/open.js';
import type {MemoryFormat, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import {openPglite} from './pglite-folder.js';
import {openPostgres} from './postgres.js';

/** A scheme of two letters or more: one letter is a drive. */
const SCHEME = /^([a-z][a-z0-9+.-]+):(.*)$/is;

export async function openPlace(
  place: string,
  format: MemoryFormat | undefined,
  options: SqlOptions,
): Promise<MemoryStore> {
  const [, scheme, rest] = SCHEME.exec(place) ?? [];
  switch (scheme?.toLowerCase()) {
    case undefined:
      return openFolder(place, format, options);
    case 'postgres':
    case 'postgresql':
      return openPostgres(place, format, options);
    case 'pglite':
      return openPglite(rest, format, options);
    default:
      throw new MemoryStoreError(
        'argument',
        `memory: ${scheme}: is no place for a store; name a folder, pglite:FOLDER or postgres://...`,
      );
  }
}
