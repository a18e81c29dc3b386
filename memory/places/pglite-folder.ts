// PGlite in a folder (Node only): its own data below it, and a lock, since it has none.

import {chmodSync, existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {refuseLink} from '../../formats/atomic-file.js';
import {FolderLock} from '../../formats/folder-lock.js';
import {asStoreErrors, NOT_OPENED} from '../segments/system-error.js';
import type {PgliteLike} from '../sql/database.js';
import {pgliteDatabase} from '../sql/database.js';
import type {SqlOptions} from '../sql/open.js';
import {openSql} from '../sql/open.js';
import type {MemoryFormat, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import {loadPackage} from './load-package.js';

const PACKAGES = ['@electric-sql/pglite', '@electric-sql/pglite-pgvector'] as const;
const DATA = 'pglite';
const PRIVATE_FOLDER = 0o700;

type PgliteClass = new (folder: string, options: object) => PgliteLike;

/** Errors: MemoryStoreError as of any store, and when the packages are not installed. */
export function openPglite(
  folder: string,
  format: MemoryFormat | undefined,
  options: SqlOptions,
): Promise<MemoryStore> {
  return asStoreErrors(folder, NOT_OPENED, async () => {
    const {PGlite} = (await loadPackage(PACKAGES[0], 'PGlite', PACKAGES)) as {PGlite: PgliteClass};
    const {vector} = await loadPackage(PACKAGES[1], 'PGlite', PACKAGES);
    const data = join(folder, DATA);
    if (format === undefined && !existsSync(data))
      throw new MemoryStoreError(
        'unavailable',
        `${folder} holds no memory of PGlite: it has no folder ${DATA}`,
      );
    refuseLink(folder);
    mkdirSync(folder, {recursive: true, mode: PRIVATE_FOLDER});
    const lock = FolderLock.take(folder);
    try {
      // PGlite's own files are for everybody: the way to them is not, in a folder that was there either.
      chmodSync(folder, PRIVATE_FOLDER);
      refuseLink(data);
      const pglite = new PGlite(data, {extensions: {vector}});
      const database = pgliteDatabase(pglite);
      const close = async (): Promise<void> => {
        try {
          await database.close();
        } finally {
          lock.release();
        }
      };
      return await openSql(folder, {...database, close}, format, options);
    } catch (error) {
      lock.release();
      throw error;
    }
  });
}
