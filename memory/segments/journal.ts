// The files of a store in a folder: batches are appended to the last segment, and segments are written anew without the rows
// that left. Every change is whole or did not happen.

import {constants, rmSync, statSync} from 'node:fs';
import type {FileHandle} from 'node:fs/promises';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import {syncFolder} from '../../formats/atomic-file.js';
import type {Journal} from '../in-process.js';
import type {MemoryBatch, MemoryFormat} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {IsLive, RowsOfRecords} from './live-rows.js';
import {LiveRows, pickRows} from './live-rows.js';
import type {SegmentEntry} from './manifest.js';
import {MANIFEST, PRIVATE_FILE, segmentName, writeManifest} from './manifest.js';
import {encodeRecord} from './record.js';
import {readRecords, segmentHeader} from './segment-file.js';
import {asStoreErrors} from './system-error.js';

/** Bytes after which another segment begins. */
const SEGMENT_BYTES = 1 << 26;
const NOT_STORED = 'nothing of this update is stored; free some, or open the store with a lower quota';
const NOT_FORGOTTEN =
  'nothing is forgotten: what stays is written anew before anything is removed; free as much, and forget again';
const NOT_TAKEN_BACK =
  'the update may be there or not once the store is opened again: free some, close it and open it';
const NOT_NOTED = 'what is stored is there, and the store is closed; free some before it is opened again';
const {O_CREAT, O_EXCL, O_RDWR, O_NOFOLLOW = 0} = constants;

/** A segment under way, in no manifest yet. */
interface Output {
  readonly file: string;
  readonly handle: FileHandle;
  bytes: number;
}

/** Opens a file that must be a file of ours and no link. */
export function openSegment(path: string): Promise<FileHandle> {
  return open(path, O_RDWR | O_NOFOLLOW);
}

export class SegmentJournal implements Journal {
  private isBroken = false;

  /** `last` is open and ends where the last entry says. */
  constructor(
    private readonly folder: string,
    private readonly format: MemoryFormat,
    private segments: SegmentEntry[],
    private last: FileHandle | undefined,
    private next: number,
    private readonly segmentBytes = SEGMENT_BYTES,
  ) {}

  append(batch: MemoryBatch, evicted: Int32Array): Promise<void> {
    return asStoreErrors(this.folder, this.ifTakenBack(NOT_STORED), async () => {
      this.refuseBroken();
      const entry = this.segments.at(-1);
      if (this.last === undefined || entry === undefined || entry.bytes >= this.segmentBytes)
        await this.roll();
      await this.extend(batch, evicted);
    });
  }

  rewrite(isLive: IsLive): Promise<void> {
    return asStoreErrors(this.folder, this.ifTakenBack(NOT_FORGOTTEN), async () => {
      this.refuseBroken();
      const outputs: Output[] = [];
      try {
        const segments = await this.rewritten(isLive, outputs);
        if (segments === undefined) return;
        for (const {handle} of outputs) await handle.sync();
        syncFolder(this.folder);
        await this.commit(segments, outputs);
      } catch (error) {
        if (!this.isBroken) for (const {file} of outputs) rmSync(join(this.folder, file), {force: true});
        throw error;
      } finally {
        for (const {handle} of outputs) if (handle !== this.last) await handle.close();
      }
    });
  }

  close(): Promise<void> {
    return asStoreErrors(this.folder, NOT_NOTED, async () => {
      await this.last?.close();
      this.last = undefined;
      // From now on a file that lost its end is told from one whose end was never written.
      if (!this.isBroken) this.writeManifest(this.segments);
    });
  }

  /** What an update that failed says where it was taken back. */
  private ifTakenBack(takenBack: string): () => string {
    return () => (this.isBroken ? NOT_TAKEN_BACK : takenBack);
  }

  private refuseBroken(): void {
    if (this.isBroken)
      throw new MemoryStoreError(
        'unavailable',
        `${this.folder}: an update failed half-way and could not be taken back; close the store and open it again`,
      );
  }

  /** Makes these segments the store's, in one step. */
  private writeManifest(segments: readonly SegmentEntry[]): void {
    const path = join(this.folder, MANIFEST);
    const ino = statSync(path, {throwIfNoEntry: false})?.ino;
    try {
      writeManifest(this.folder, {format: this.format, segments, next: this.next});
    } catch (error) {
      // Replaced, but perhaps not for good: files of both must stay until the store is opened again and reads which one it is.
      this.isBroken = statSync(path, {throwIfNoEntry: false})?.ino !== ino;
      throw error;
    }
  }

  /** Writes a record at the end of the last segment, whole or not at all. */
  private async extend(batch: MemoryBatch, evicted: Int32Array): Promise<void> {
    const entry = this.segments.at(-1);
    if (this.last === undefined || entry === undefined)
      throw new Error('a journal needs a segment to append to');
    const bytes = encodeRecord(batch, evicted, this.format, entry.bytes);
    try {
      await writeAll(this.last, bytes, entry.bytes);
      await this.last.datasync();
    } catch (error) {
      this.isBroken = true;
      await this.last.truncate(entry.bytes);
      await this.last.datasync();
      this.isBroken = false;
      throw error;
    }
    this.segments = [...this.segments.slice(0, -1), {...entry, bytes: entry.bytes + bytes.length}];
  }

  /** Begins another segment. */
  private async roll(): Promise<void> {
    const output = await this.create();
    try {
      await output.handle.sync();
      const segments = [...this.segments, {file: output.file, bytes: output.bytes}];
      this.writeManifest(segments);
      const before = this.last;
      this.last = output.handle;
      this.segments = segments;
      await before?.close();
    } catch (error) {
      if (this.last === output.handle) throw error;
      await output.handle.close();
      if (!this.isBroken) rmSync(join(this.folder, output.file), {force: true});
      throw error;
    }
  }

  private async create(): Promise<Output> {
    const file = segmentName(this.next++);
    const path = join(this.folder, file);
    const handle = await open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, PRIVATE_FILE);
    const header = segmentHeader(this.format);
    try {
      await writeAll(handle, header, 0);
    } catch (error) {
      await handle.close();
      rmSync(path, {force: true});
      throw error;
    }
    return {file, handle, bytes: header.length};
  }

  /** The entries of segments without rows that are not live; undefined where all are. New files are in `outputs`. */
  private async rewritten(isLive: IsLive, outputs: Output[]): Promise<SegmentEntry[] | undefined> {
    const segments: SegmentEntry[] = [];
    let output: Output | undefined;
    const finish = (): void => {
      if (output !== undefined) segments.push({file: output.file, bytes: output.bytes});
      output = undefined;
    };
    const live = await this.liveRows(isLive);
    for (const [i, entry] of this.segments.entries()) {
      const rows = live[i];
      if (rows === undefined) {
        finish();
        segments.push(entry);
        continue;
      }
      let number = 0;
      for await (const {batch} of this.records(entry)) {
        const rest = pickRows(batch, rows[number++], this.format);
        if (rest.positions.length === 0) continue;
        if (output !== undefined && output.bytes >= this.segmentBytes) finish();
        if (output === undefined) {
          output = await this.create();
          outputs.push(output);
        }
        const bytes = encodeRecord(rest, new Int32Array(0), this.format, output.bytes);
        await writeAll(output.handle, bytes, output.bytes);
        output.bytes += bytes.length;
      }
    }
    finish();
    const files = new Set(segments.map(({file}) => file));
    return this.segments.every(({file}) => files.has(file)) ? undefined : segments;
  }

  /** By segment, the rows of each record that are there; undefined where that is all of them. */
  private async liveRows(isLive: IsLive): Promise<(RowsOfRecords | undefined)[]> {
    const live = new LiveRows(isLive);
    const found: (RowsOfRecords | undefined)[] = [];
    for (const entry of this.segments.toReversed()) found.unshift(await live.ofSegment(this.records(entry)));
    return found;
  }

  private async *records({file, bytes}: SegmentEntry) {
    const path = join(this.folder, file);
    const handle = await openSegment(path);
    try {
      yield* readRecords(path, handle, this.format, bytes);
    } finally {
      await handle.close();
    }
  }

  /** Makes these segments the store's, in one step, and removes the others. */
  private async commit(segments: SegmentEntry[], outputs: readonly Output[]): Promise<void> {
    const before = this.last;
    // What may fail while nothing has changed does so first.
    const last = await this.handleOf(segments.at(-1), outputs);
    try {
      this.writeManifest(segments);
    } catch (error) {
      if (last !== before && !outputs.some(({handle}) => handle === last)) await last?.close();
      throw error;
    }
    const kept = new Set(segments.map(({file}) => file));
    const old = this.segments.filter(({file}) => !kept.has(file));
    this.segments = segments;
    this.last = last;
    // Nothing leads back: what fails now leaves files that opening the store removes.
    this.isBroken = true;
    if (before !== last) await before?.close();
    for (const {file} of old) rmSync(join(this.folder, file));
    syncFolder(this.folder);
    this.isBroken = false;
  }

  /** The segment that is appended to, open. */
  private async handleOf(
    entry: SegmentEntry | undefined,
    outputs: readonly Output[],
  ): Promise<FileHandle | undefined> {
    if (entry === undefined) return undefined;
    if (entry.file === this.segments.at(-1)?.file) return this.last;
    const output = outputs.find(({file}) => file === entry.file);
    return output?.handle ?? openSegment(join(this.folder, entry.file));
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
}
