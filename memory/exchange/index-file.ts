// index.json of exported memory: what was exported, from which memory, in which files with which digests.

import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {shown} from '../../errors/shown.js';
import {DRAFT, writeFileAtomic} from '../../formats/atomic-file.js';
import {readTextFile, sealedJson, unsealJson} from '../../formats/json-file.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import {checkStream, parseFormat} from '../check.js';
import type {MemoryFormat} from '../store.js';
import {MemoryStoreError} from '../store-error.js';

export const INDEX = 'index.json';
const VERSION = 1;
const ROWS_FILE = /^rows-\d{6}\.safetensors$/;
const DIGEST = /^[0-9a-f]{64}$/;
/** What someone said is nobody else's to read. */
export const PRIVATE_FILE = 0o600;

/** Rows of one stream and layer in a file. */
export interface ExportedFile {
  readonly file: string;
  readonly sha256: string;
  readonly stream: string;
  readonly layer: number;
  readonly rows: number;
}

export interface ExportIndex {
  readonly format: MemoryFormat;
  readonly files: readonly ExportedFile[];
}

export function rowsFile(number: number): string {
  return `rows-${String(number).padStart(6, '0')}.safetensors`;
}

export function writeIndex(folder: string, {format, files}: ExportIndex): void {
  writeFileAtomic(join(folder, INDEX), sealedJson({version: VERSION, format, files}), PRIVATE_FILE);
}

/** Whether a folder holds files of rows and no index, which is written last: an export that was killed. */
export function isUnfinished(folder: string): boolean {
  if (!statSync(folder, {throwIfNoEntry: false})?.isDirectory()) return false;
  const names = readdirSync(folder);
  return !names.includes(INDEX) && names.some(name => ROWS_FILE.test(name.replace(DRAFT, '')));
}

/** Errors: MemoryStoreError for a folder without an index, or one that is damaged. */
export function readIndex(folder: string): ExportIndex {
  const path = join(folder, INDEX);
  if (isUnfinished(folder))
    throw new MemoryStoreError(
      'damaged',
      `${folder} holds an export that was not finished: remove it, and export the memory again`,
    );
  const fail = (reason: string): never => {
    throw new MemoryStoreError('damaged', `${path} ${reason}; bmojo memory export writes it`);
  };
  const {value, sealed} = unsealJson(readTextFile(path, fail), fail);
  if (!sealed) fail('must hold the SHA-256 of its content, has none');
  const {version, format, files} = value;
  if (version !== VERSION) fail(`is of version ${shown(version)}, this bmojo reads version ${VERSION}`);
  if (!isRecord(format)) return fail(`must hold a format, got ${shown(format)}`);
  if (!Array.isArray(files)) return fail(`must hold files as a list, got ${shown(files)}`);
  return {
    format: parseFormat(path, format),
    files: files.map((entry: unknown) => {
      const {file, sha256, stream, layer, rows} = isRecord(entry) ? entry : {};
      if (
        typeof file !== 'string' ||
        !ROWS_FILE.test(file) ||
        typeof sha256 !== 'string' ||
        !DIGEST.test(sha256)
      )
        return fail(`must name files of rows with their SHA-256, got ${shown(entry)}`);
      if (!isCount(layer) || !isCount(rows)) return fail(`must say layer and rows of ${file}`);
      checkStream(path, stream);
      return {file, sha256, stream, layer, rows};
    }),
  };
}
