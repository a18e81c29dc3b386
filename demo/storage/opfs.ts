// Files of this origin (OPFS): folders by path, files written whole. For workers, where every browser can.

import {modelInDirectory} from '../../models/index.js';

/** A folder below the origin's root, made where it is missing. */
export async function folderAt(path: readonly string[]): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const name of path) folder = await folder.getDirectoryHandle(name, {create: true});
  return folder;
}

/** Bytes of a file; undefined where there is none. */
export async function readFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<Uint8Array | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

/** Writes a file; where the browser can, a reader of the same name sees the old bytes until all new ones are there. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array<ArrayBuffer> | string,
): Promise<void> {
  const handle = await folder.getFileHandle(name, {create: true});
  if (!('createWritable' in handle)) {
    // Safari before version 26, in place.
    const whole = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    await modelInDirectory(folder).write(name, [whole]);
    return;
  }
  const writable = await handle.createWritable();
  await writable.write(bytes);
  await writable.close();
}

/** Names of the files and folders in a folder, in order. */
export async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
}
