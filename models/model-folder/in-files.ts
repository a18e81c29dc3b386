// A model folder among files that a user chose or dropped: no server, no path, only File objects.

import {ModelFormatError} from '../model-format.js';
import {CARD} from './parse-card.js';
import type {ModelSource, Pieces} from './source.js';
import {TOPOLOGY} from './topology.js';

/** A file with the path that it was chosen or dropped under. */
export interface PlacedFile {
  readonly path: string;
  readonly file: Blob;
}

const isPlaced = (file: File | PlacedFile): file is PlacedFile => 'file' in file;

/**
 * The model folder among files of `<input type=file multiple>` (with or without `webkitdirectory`), or of a dropped folder as
 * `droppedFiles` lists it. Of several folders with a model, such as those of a whole run, the one of the best weights is
 * taken, else the one that is named first in the alphabet.
 * Errors: ModelFormatError when none holds a model.
 */
export function modelInFiles(files: Iterable<File | PlacedFile>): ModelSource {
  return folderOfFiles(files, [CARD, TOPOLOGY]);
}

/** The folder among files that holds one of those named. Errors: ModelFormatError when none does. */
export function folderOfFiles(files: Iterable<File | PlacedFile>, names: readonly string[]): ModelSource {
  const placed = [...files].map(file =>
    isPlaced(file) ? file : {path: file.webkitRelativePath || file.name, file},
  );
  const folder = folderOf(
    placed.map(({path}) => path),
    names,
  );
  const own = new Map(
    placed
      .filter(({path}) => path.startsWith(folder))
      .map(({path, file}) => [path.slice(folder.length), file]),
  );
  return {
    name: folder === '' ? 'the chosen files' : folder.replace(/\/$/, ''),
    size: async path => own.get(path)?.size,
    read: async (path, {from = 0} = {}) => {
      const file = own.get(path);
      return file === undefined ? undefined : blobPieces(file.slice(from));
    },
  };
}

/** The folder of the model, with its last slash; empty where files have none. */
function folderOf(paths: readonly string[], names: readonly string[]): string {
  const folderWith = (name: string): string[] =>
    paths
      .filter(path => path === name || path.endsWith(`/${name}`))
      .map(path => path.slice(0, path.length - name.length))
      .sort();
  const found = names.flatMap(folderWith);
  if (found.length === 0)
    throw new ModelFormatError(
      `there is no model among ${paths.length === 1 ? 'this one file' : `these ${paths.length} files`}: a model folder holds ${names.join(' and ')}`,
    );
  return found.find(path => /(^|\/)(model-best|best)\/$/.test(path)) ?? found[0];
}

export async function* blobPieces(blob: Blob): Pieces {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      yield value as Uint8Array<ArrayBuffer>;
    }
  } finally {
    await reader.cancel();
  }
}

/**
 * All files of what was dropped on a page, folders with what is in them. Call it in the `drop` event's handler itself: the
 * browser forgets the list afterwards.
 */
export async function droppedFiles(dropped: DataTransfer): Promise<PlacedFile[]> {
  const entries = [...dropped.items].map(item => item.webkitGetAsEntry());
  const lists = await Promise.all(entries.map(entry => (entry === null ? [] : filesBehind(entry))));
  return lists.flat();
}

async function filesBehind(entry: FileSystemEntry): Promise<PlacedFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
    return [{path, file}];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: PlacedFile[] = [];
  // A reader gives its entries in portions, and an empty one at the end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (portion.length === 0) return found;
    for (const inner of portion) found.push(...(await filesBehind(inner)));
  }
}
