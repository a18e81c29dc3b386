// Exported memory back into a store (Node only).

import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {shown} from '../../errors/shown.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {decodeSafetensors} from '../../formats/safetensors.js';
import {checkBatch, refuseOtherFormat} from '../check.js';
import {asStoreErrors} from '../segments/system-error.js';
import type {MemoryBatch, MemoryFormat, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import {ImportedRows} from './imported-rows.js';
import type {ExportedFile} from './index-file.js';
import {readIndex} from './index-file.js';

const NOT_IMPORTED = 'nothing of the import stays; free some, and import again';

/** The format of exported memory. Errors: MemoryStoreError for a folder that holds none. */
export function exportedFormat(folder: string): MemoryFormat {
  return readIndex(folder).format;
}

/**
 * Appends everything in a folder of exported memory to a store of the same format. Returns the rows.
 * Errors: MemoryStoreError, before anything is stored, for damaged files, another format, or streams that the store holds; for
 * what fails later, once all that was imported is forgotten again. Where that fails too, it says which rows stay.
 */
export function importMemory(folder: string, store: MemoryStore): Promise<number> {
  return asStoreErrors(folder, NOT_IMPORTED, async () => {
    const {format, files} = readIndex(folder);
    refuseOtherFormat('the store', store.format, format);
    const held = new Set((await store.stats()).parts.map(({stream, layer}) => `${layer} ${stream}`));
    for (const entry of files) {
      if (held.has(`${entry.layer} ${entry.stream}`))
        throw new MemoryStoreError(
          'argument',
          `the store holds ${shown(entry.stream)} in layer ${entry.layer} already; forget it there first, or export less`,
        );
      readRows(folder, entry, format);
    }
    const imported = new ImportedRows();
    try {
      for (const entry of files) await imported.append(store, readRows(folder, entry, format));
    } catch (error) {
      throw await imported.takenBack(store, error);
    }
    return imported.rows;
  });
}

function readRows(folder: string, {file, sha256, stream, layer, rows}: ExportedFile, format: MemoryFormat) {
  const path = join(folder, file);
  const fail = (what: string): never => {
    throw new MemoryStoreError('damaged', `${path} ${what}; export the memory again`);
  };
  const bytes = readFileSync(path);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    fail('is damaged or was changed: its SHA-256 is not the one in the index');
  const {tensors} = decodeSafetensors(bytes);
  const find = <T extends NamedTensorData['data']>(
    name: string,
    type: new (length: number) => T,
    shape: number[],
  ): T => {
    const found = tensors.find(one => one.name === name);
    if (!(found?.data instanceof type) || found.shape.join() !== shape.join())
      return fail(`must hold ${name} of shape [${shape.join(', ')}]`);
    return found.data;
  };
  const {groups, width} = format;
  const batch: Required<MemoryBatch> = {
    stream,
    layer,
    positions: find('positions', Int32Array, [rows]),
    tokens: find('tokens', Int32Array, [rows]),
    innovations: find('innovations', Float32Array, [rows]),
    keys: find('keys', Float32Array, [rows, groups, width]),
    values: find('values', Float32Array, [rows, groups, width]),
  };
  checkBatch(path, batch, format);
  return batch;
}
