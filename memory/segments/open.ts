// A store in a folder of files (Node only): made or recovered, and locked for this process.

import {chmodSync, existsSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {isDraft, refuseLink} from '../../formats/atomic-file.js';
import {FolderLock, LOCK} from '../../formats/folder-lock.js';
import {checkBatch, checkFormat, checkOptions, refuseOtherFormat} from '../check.js';
import {InProcessMemory} from '../in-process.js';
import {RowTable} from '../row-table.js';
import type {MemoryFormat, MemoryStore, MemoryStoreOptions} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import {openSegment, SegmentJournal} from './journal.js';
import type {Manifest, ReadManifest, SegmentEntry} from './manifest.js';
import {isSegment, MANIFEST, readManifest, writeManifest} from './manifest.js';
import {readRecords} from './segment-file.js';
import {asStoreErrors, NOT_OPENED} from './system-error.js';

const PRIVATE_FOLDER = 0o700;

export interface FolderOptions extends MemoryStoreOptions {
  /** Bytes after which another segment file begins; tests make them small. */
  readonly segmentBytes?: number;
}

/**
 * Opens the store of a folder, or makes one of this format where there is none.
 * Errors: MemoryStoreError for a store of another format, one that another process has, a folder of other things, damaged
 * files, links.
 */
export function openFolder(
  folder: string,
  format: MemoryFormat | undefined,
  options: FolderOptions = {},
): Promise<MemoryStore> {
  return asStoreErrors(folder, NOT_OPENED, async () => {
    if (format !== undefined) checkFormat('memory', format);
    checkOptions('memory', options);
    const lock = take(folder, format);
    try {
      chmodSync(folder, PRIVATE_FOLDER);
      const manifest = readManifest(folder) ?? begin(folder, format);
      if (format !== undefined) refuseOtherFormat(folder, manifest.format, format);
      removeStrangers(folder, manifest);
      const table = new RowTable(manifest.format, options.rowSearch);
      const segments: SegmentEntry[] = [];
      let written = 0;
      for (const [i, entry] of manifest.segments.entries()) {
        const isLast = i === manifest.segments.length - 1;
        const {rows, ...segment} = await recover(folder, entry, manifest, table, isLast);
        segments.push(segment);
        written += rows;
      }
      if (!manifest.isCurrent) writeManifest(folder, manifest);
      const last = segments.at(-1);
      const handle = last === undefined ? undefined : await openSegment(join(folder, last.file));
      const journal = new SegmentJournal(
        folder,
        manifest.format,
        segments,
        handle,
        manifest.next,
        options.segmentBytes,
      );
      const left = written - table.rows;
      return new InProcessMemory(manifest.format, options, new LockedJournal(journal, lock), table, left);
    } catch (error) {
      lock.release();
      throw error;
    }
  });
}

/** A journal that lets go of the folder in the end. */
class LockedJournal {
  readonly append: SegmentJournal['append'];
  readonly rewrite: SegmentJournal['rewrite'];

  constructor(
    private readonly journal: SegmentJournal,
    private readonly lock: FolderLock,
  ) {
    this.append = journal.append.bind(journal);
    this.rewrite = journal.rewrite.bind(journal);
  }

  async close(): Promise<void> {
    try {
      await this.journal.close();
    } finally {
      this.lock.release();
    }
  }
}

/** The folder, locked; made where a store may be made. */
function take(folder: string, format: MemoryFormat | undefined): FolderLock {
  refuseLink(folder);
  const existed = existsSync(folder);
  if (format === undefined && !existsSync(join(folder, MANIFEST))) noStore(folder);
  if (!existed) mkdirSync(folder, {recursive: true, mode: PRIVATE_FOLDER});
  const isOurs = (name: string): boolean => name === LOCK || isDraft(name);
  if (!existsSync(join(folder, MANIFEST)) && !readdirSync(folder).every(isOurs))
    throw new MemoryStoreError(
      'argument',
      `${folder} is no memory and not empty; name another folder, which is made`,
    );
  return FolderLock.take(folder);
}

function noStore(folder: string): never {
  throw new MemoryStoreError('unavailable', `${folder} holds no memory: it has no ${MANIFEST}`);
}

function begin(folder: string, format: MemoryFormat | undefined): ReadManifest {
  if (format === undefined) return noStore(folder);
  const manifest = {format, segments: [], next: 1, isCurrent: true};
  writeManifest(folder, manifest);
  return manifest;
}

/** Removes drafts, and segments of a change that was not finished. */
function removeStrangers(folder: string, {segments}: Manifest): void {
  const own = new Set(segments.map(({file}) => file));
  for (const name of readdirSync(folder))
    if ((isSegment(name) && !own.has(name)) || isDraft(name)) rmSync(join(folder, name), {force: true});
}

/** Reads a segment's rows into the table, and cuts off a record at its end that was never acknowledged. */
async function recover(
  folder: string,
  entry: SegmentEntry,
  {format}: Manifest,
  table: RowTable,
  isLast: boolean,
): Promise<SegmentEntry & {readonly rows: number}> {
  const path = join(folder, entry.file);
  const file = await openSegment(path);
  try {
    const {size} = await file.stat();
    let [end, rows] = [entry.bytes, 0];
    for await (const record of readRecords(path, file, format, isLast ? entry.bytes : size)) {
      try {
        checkBatch(path, record.batch, format);
        table.evictions(path, record.batch, undefined);
      } catch (error) {
        throw error instanceof MemoryStoreError ? new MemoryStoreError('damaged', error.message) : error;
      }
      table.add(record.batch, record.evicted);
      end = record.end;
      rows += record.batch.positions.length;
    }
    if (isLast && size > entry.bytes) {
      if (end < size) await file.truncate(end);
      // What a killed process wrote and nobody acknowledged is there from now on.
      await file.sync();
    } else if (!isLast && size !== entry.bytes)
      throw new MemoryStoreError(
        'damaged',
        `${path} is damaged: it has ${size} bytes, ${entry.bytes} were written; take the folder from a copy`,
      );
    return {file: entry.file, bytes: end, rows};
  } finally {
    await file.close();
  }
}
