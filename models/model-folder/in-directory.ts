// A model folder in a directory of the browser's: its private file system (OPFS), or one that the user has opened to the page.

import {blobPieces} from './in-files.js';
import type {ModelStore, Pieces} from './source.js';

/** Safari writes through these alone, and only in workers. */
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
      if ('createWritable' in handle) await writeStream(handle, pieces, append);
      else await writeSync(handle, pieces, append);
    },
  };
}

async function writeStream(
  handle: FileSystemFileHandle,
  pieces: Pieces | Iterable<Uint8Array<ArrayBuffer>>,
  append: boolean,
): Promise<void> {
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
  handle: FileSystemFileHandle,
  pieces: Pieces | Iterable<Uint8Array<ArrayBuffer>>,
  append: boolean,
): Promise<void> {
  const {createSyncAccessHandle} = handle as {createSyncAccessHandle?: () => Promise<SyncAccess>};
  if (createSyncAccessHandle === undefined)
    throw new Error('this browser writes files in workers alone: store the model from a worker');
  const file = await createSyncAccessHandle.call(handle);
  try {
    let at = append ? file.getSize() : 0;
    file.truncate(at);
    for await (const piece of pieces) at += file.write(piece, {at});
    file.flush();
  } finally {
    file.close();
  }
}
