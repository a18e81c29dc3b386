// What the system, locks and links say, as errors of a store.

import {FilePlaceError} from '../../formats/atomic-file.js';
import {FolderLockError} from '../../formats/folder-lock.js';
import {MemoryStoreError} from '../store-error.js';

/** A disk, a quota of the user, or the longest file. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a full disk says of a store that is opened. */
export const NOT_OPENED = 'the store is not opened; what it holds is there: free some, and open it again';

/** A MemoryStoreError for what the system, a lock or a link refused at a path; anything else as it is. */
function storeErrorOf(error: unknown, path: string, full: string): unknown {
  if (error instanceof FolderLockError) return new MemoryStoreError('busy', error.message, {cause: error});
  if (error instanceof FilePlaceError) return new MemoryStoreError('damaged', error.message, {cause: error});
  const code = codeOf(error);
  if (error instanceof MemoryStoreError || code === undefined || !(error instanceof Error)) return error;
  if (FULL.includes(code))
    return new MemoryStoreError('full', `${path} has no room (${code}), and ${full}`, {cause: error});
  if (code === 'ELOOP')
    return new MemoryStoreError(
      'damaged',
      `${path} is a link; a store reads and writes only files of its own: remove it`,
      {cause: error},
    );
  return new MemoryStoreError('unavailable', `${path}: ${error.message}`, {cause: error});
}

/**
 * Does it, with refusals of the system as errors of a store; `full` says what became of it where there is no room, and is asked
 * once that is known.
 */
export async function asStoreErrors<T>(
  path: string,
  full: string | (() => string),
  work: () => Promise<T> | T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeErrorOf(error, path, typeof full === 'string' ? full : full());
  }
}
