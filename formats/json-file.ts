// JSON files on disk (Node only): read with bounds, and with a digest of their own content where we wrote them.

import {readFileSync, statSync} from 'node:fs';
import type {Fail} from './json-text.js';
import {isRecord, parseJson} from './json-text.js';
import {sha256Of} from './sha256/index.js';

/** Longer JSON files than that are none of ours. */
const MOST_BYTES = 1 << 28;

/** The text of a file in UTF-8. `fail` is told when it is not there, no file, too long, or no text. */
export function readTextFile(path: string, fail: Fail, most = MOST_BYTES): string {
  const bytes = readBytes(path, fail, most);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    return fail('must be text in UTF-8');
  }
}

function readBytes(path: string, fail: Fail, most: number): Uint8Array {
  let reason: string;
  try {
    const found = statSync(path, {throwIfNoEntry: false});
    if (found?.isFile() && found.size <= most) return readFileSync(path);
    reason =
      found === undefined
        ? 'does not exist'
        : found.isFile()
          ? `must have at most ${most} bytes, has ${found.size}`
          : `must be a file, is ${found.isDirectory() ? 'a folder' : 'something else'}`;
  } catch (error) {
    reason = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  return fail(reason);
}

export function readJsonFile(path: string, fail: Fail, most?: number): unknown {
  return parseJson(readTextFile(path, fail, most), fail);
}

/** JSON text of an object that ends with the SHA-256 of the rest, so that a changed file is told from the one written. */
export function sealedJson(value: object): string {
  const plain: object = JSON.parse(JSON.stringify(value));
  return `${JSON.stringify({...plain, sha256: digestOf(plain)}, null, 2)}\n`;
}

export interface Unsealed {
  readonly value: Record<string, unknown>;
  /** False for a file of a version that wrote no digests. */
  readonly sealed: boolean;
}

/** What `sealedJson` made a text of. `fail` is told when it is no object, or not what was written. */
export function unsealJson(text: string, fail: Fail): Unsealed {
  const json = parseJson(text, fail);
  if (!isRecord(json)) return fail('must hold an object');
  const {sha256, ...value} = json;
  if (sha256 === undefined) return {value, sealed: false};
  if (sha256 !== digestOf(value)) return fail('is damaged or was changed: its SHA-256 is not the one in it');
  return {value, sealed: true};
}

function digestOf(value: object): string {
  return sha256Of(Buffer.from(JSON.stringify(value)));
}
