// memory.json: what a folder of memory holds and which files are its own. Replaced whole, so that a change of files is one step.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {shown} from '../../errors/shown.js';
import {refuseLink, writeFileAtomic} from '../../formats/atomic-file.js';
import {readTextFile, sealedJson, unsealJson} from '../../formats/json-file.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import {parseFormat} from '../check.js';
import type {MemoryFormat} from '../store.js';
import {MemoryStoreError} from '../store-error.js';

export const MANIFEST = 'memory.json';
/** From 2 on records count their empty sectors; those of version 1 are read, and may stand before others in a file. */
const VERSION = 2;
const SEGMENT = /^rows-\d{8}\.segment$/;
/** Readable by whoever writes it, and nobody else: it is what someone said. */
export const PRIVATE_FILE = 0o600;

export interface SegmentEntry {
  readonly file: string;
  /** Bytes that it is known to have; it may have more. */
  readonly bytes: number;
}

export interface Manifest {
  readonly format: MemoryFormat;
  /** In the order in which their records are read. */
  readonly segments: readonly SegmentEntry[];
  /** Number of the next file, so that no name is used twice. */
  readonly next: number;
}

/** What a file of a manifest says. */
export interface ReadManifest extends Manifest {
  /** Whether this version wrote it: an earlier one would take records of this one for damage. */
  readonly isCurrent: boolean;
}

export function segmentName(number: number): string {
  return `rows-${String(number).padStart(8, '0')}.segment`;
}

/** Whether a file of that name may be a segment. */
export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

export function writeManifest(folder: string, {format, segments, next}: Manifest): void {
  const {model, layers, groups, width, precision} = format;
  const value = {version: VERSION, model, layers, groups, width, precision, segments, next};
  writeFileAtomic(join(folder, MANIFEST), sealedJson(value), PRIVATE_FILE);
}

/** What memory.json says; undefined where there is none. Errors: MemoryStoreError for one that is damaged; FilePlaceError. */
export function readManifest(folder: string): ReadManifest | undefined {
  const path = join(folder, MANIFEST);
  refuseLink(path);
  if (!existsSync(path)) return undefined;
  const fail = (reason: string): never => {
    throw new MemoryStoreError(
      'damaged',
      `${path} ${reason}; take the folder from a copy, or remove it to begin anew`,
    );
  };
  const {value, sealed} = unsealJson(readTextFile(path, fail, 1 << 24), fail);
  if (!sealed) fail('must hold the SHA-256 of its content, has none');
  const {version, segments, next, ...rest} = value;
  if (!(isCount(version) && version >= 1 && version <= VERSION))
    fail(`is of version ${shown(version)}, this bmojo reads versions 1 to ${VERSION}`);
  if (!isCount(next) || next > 1e8) return fail(`must hold next as a number of a file, got ${shown(next)}`);
  if (!Array.isArray(segments)) return fail(`must hold segments as a list, got ${shown(segments)}`);
  const entries = segments.map((entry: unknown) => {
    const {file, bytes} = isRecord(entry) ? entry : {};
    if (typeof file !== 'string' || !isSegment(file) || !isCount(bytes))
      return fail(`must hold segments by file and bytes, got ${shown(entry)}`);
    return {file, bytes};
  });
  return {format: parseFormat(path, rest), segments: entries, next, isCurrent: version === VERSION};
}
