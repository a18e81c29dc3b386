// Places of stores in browsers: databases that are handed over, since nothing can be loaded by name there.

import type {SqlOptions} from '../sql/open.js';
import type {MemoryFormat, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';

export async function openPlace(
  _place: string,
  _format: MemoryFormat | undefined,
  _options: SqlOptions,
): Promise<MemoryStore> {
  throw new MemoryStoreError(
    'argument',
    "openMemory: a browser keeps a memory in PGlite: hand over new PGlite('idb://NAME', {extensions: {vector}})",
  );
}
