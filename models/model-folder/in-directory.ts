// A model folder in a directory of the browser's: its private file system (OPFS), or one that the user has opened to the page.

import {ModelFormatError} from '../model-format.js';
import {blobPieces} from './in-files.js';
import type {ModelStore, Pieces} from './source.js';

/** In workers alone, and of the browser's own files alone; older Safaris have nothing else. */
interface SyncAccess {
  write(bytes: Uint8Array, options: {at: number}): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/**
 * Reads and writes a directory: `modelInDirectory(await navigator.storage.getDirectory())`. Browsers without
 * `createWritable` write in workers alone.
 *
 * Errors: what the browser says of the directory; Error from `write` outside of a worker where that is
 * needed.
 */
export function modelInDirectory(directory: FileSystemDirectoryHandle): ModelStore {
  const fileOf = async (path: string): Promise<File | undefined> => {
    try {
      return await (await directory.getFileHandle(path)).getFile();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
      throw error;
    }
  };
  return {
    name: directory.name === '' ? 'the browser’s storage' : directory.name,
    size: async path => (await fileOf(path))?.size,
    read: async (path, {from = 0} = {}) => {
      const file = await fileOf(path);
      return file === undefined ? undefined : blobPieces(file.slice(from));
    },
    write: async (path, pieces, {append = false} = {}) => {
      const handle = await directory.getFileHandle(path, {create: true});
      const access = await syncAccess(handle);
      if (access === undefined) await writeStream(handle, pieces, append);
      else await writeSync(access, pieces, append);
    },
  };
}

/**
 * Where a file can be written in place: what came stays then, also when the page is closed on the way, while a stream's bytes
 * are dropped. Undefined where it cannot.
 */
async function syncAccess(handle: FileSystemFileHandle): Promise<SyncAccess | undefined> {
  const {createSyncAccessHandle} = handle as {createSyncAccessHandle?: () => Promise<SyncAccess>};
  try {
    return await createSyncAccessHandle?.call(handle);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NoModificationAllowedError')) return undefined;
    throw new ModelFormatError(
      `${handle.name} is being written by another page: wait for it, or leave that page`,
    );
  }
}

async function writeStream(
  handle: FileSystemFileHandle,
  pieces: Pieces | Iterable<Uint8Array<ArrayBuffer>>,
  append: boolean,
): Promise<void> {
  if (!('createWritable' in handle))
    throw new Error('this browser writes files in workers alone: store the model from a worker');
  const at = append ? (await handle.getFile()).size : 0;
  const file = await handle.createWritable({keepExistingData: append});
  try {
    await file.seek(at);
    for await (const piece of pieces) await file.write(piece);
  } finally {
    // Also after a failure: only closing keeps what came.
    await file.close();
  }
}

async function writeSync(
  file: SyncAccess,
  pieces: Pieces | Iterable<Uint8Array<ArrayBuffer>>,
  append: boolean,
): Promise<void> {
  try {
    let at = append ? file.getSize() : 0;
    file.truncate(at);
    for await (const piece of pieces) at += file.write(piece, {at});
    file.flush();
  } finally {
    file.close();
  }
}
