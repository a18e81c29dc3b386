// A memory as files that anybody reads: safetensors for the rows, JSON for what they are (Node only).

import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, rmdirSync, rmSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {encodeSafetensors} from '../../formats/safetensors.js';
import {asStoreErrors} from '../segments/system-error.js';
import type {MemoryBatch, MemorySelection, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {ExportedFile} from './index-file.js';
import {INDEX, isUnfinished, PRIVATE_FILE, rowsFile, writeIndex} from './index-file.js';

const NOT_EXPORTED = 'nothing of the export stays; free some, or export into another folder';

/**
 * Writes the selected rows into a new folder: index.json, and for each run of rows a safetensors file with positions [n],
 * tokens [n], innovations [n], keys [n, G, Dh] and values [n, G, Dh], float32 whatever the precision. Returns the rows.
 * Errors: MemoryStoreError for a folder that is there and not empty, or a disk that is full; of an export that fails nothing
 * stays.
 */
export function exportMemory(
  store: MemoryStore,
  folder: string,
  selection: MemorySelection,
): Promise<number> {
  return asStoreErrors(folder, NOT_EXPORTED, async () => {
    const made: string[] = [];
    for (let path = resolve(folder); !existsSync(path); path = dirname(path)) made.push(path);
    if (made.length === 0) refuseUsed(folder);
    else mkdirSync(folder, {recursive: true, mode: 0o700});
    const written: string[] = [];
    try {
      return await writeRows(store, folder, selection, written);
    } catch (error) {
      takeBack(folder, written, made);
      throw error;
    }
  });
}

/** Removes files of a folder, then the folders that were made for them, the innermost first. */
function takeBack(folder: string, files: readonly string[], made: readonly string[]): void {
  try {
    for (const file of files) rmSync(join(folder, file), {force: true});
    for (const path of made) rmdirSync(path);
  } catch {
    // Where others put something there, or the disk fails, what is told is what failed first.
  }
}

function refuseUsed(folder: string): void {
  if (readdirSync(folder).length === 0) return;
  if (isUnfinished(folder))
    throw new MemoryStoreError(
      'argument',
      `${folder} holds an export that was not finished: remove it, or export into another folder`,
    );
  throw new MemoryStoreError('argument', `${folder} exists and is not empty; export into another folder`);
}

/** `written` is told each file as soon as there may be one. */
async function writeRows(
  store: MemoryStore,
  folder: string,
  selection: MemorySelection,
  written: string[],
): Promise<number> {
  const files: ExportedFile[] = [];
  let rows = 0;
  for await (const batch of store.snapshot(selection)) {
    const file = rowsFile(files.length + 1);
    const bytes = encodeRows(batch, store.format);
    written.push(file);
    writeFileAtomic(join(folder, file), bytes, PRIVATE_FILE);
    const {stream, layer, positions} = batch;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    files.push({file, sha256, stream, layer, rows: positions.length});
    rows += positions.length;
  }
  written.push(INDEX);
  writeIndex(folder, {format: store.format, files});
  return rows;
}

function encodeRows(batch: Required<MemoryBatch>, {groups, width}: MemoryStore['format']): Uint8Array {
  const n = batch.positions.length;
  const {positions, tokens, innovations, keys, values} = batch;
  return encodeSafetensors([
    {name: 'positions', shape: [n], data: positions},
    {name: 'tokens', shape: [n], data: tokens},
    {name: 'innovations', shape: [n], data: innovations},
    {name: 'keys', shape: [n, groups, width], data: keys},
    {name: 'values', shape: [n, groups, width], data: values},
  ]);
}
