// One fuzz case after another: a reader, a file of its, a change, and what came of it.

import {createHash} from 'node:crypto';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import {useBackend} from '../../custom-ops/index.js';
import {randomStream} from '../../data/random.js';
import {isForUsers} from '../../errors/error-words.js';
import {decodeSafetensors} from '../../formats/safetensors.js';
import type {FileKind} from './mutate.js';
import {mutate} from './mutate.js';
import type {Reader} from './readers.js';
import {makeFixture, readers} from './readers.js';
import {replaceFile} from './replace-file.js';

export const MOST_SECONDS = 5;
export const MOST_BYTES = 2 ** 30;

export interface Failure {
  readonly number: number;
  readonly reader: string;
  readonly file: string;
  readonly what: string;
}

interface Fixture {
  readonly reader: Reader;
  readonly folder: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly meaning: string;
}

/** All that was read, as a digest. */
function meaningOf(value: unknown): string {
  const text = JSON.stringify(value, (_, one) => (ArrayBuffer.isView(one) ? Array.from(one as never) : one));
  return createHash('sha256')
    .update(text ?? 'undefined')
    .digest('hex');
}

/** The digest that a file carries of itself, if it does. */
function ownDigest(kind: FileKind, bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder().decode(bytes);
    if (kind === 'json') return JSON.parse(text)?.sha256;
    return kind === 'safetensors' ? decodeSafetensors(bytes).metadata.get('sha256') : undefined;
  } catch {
    return undefined;
  }
}

/** A file that lost its own digest is one of an earlier version, which is read with a note. */
function lostDigest(kind: FileKind, whole: Uint8Array, changed: Uint8Array): boolean {
  return ownDigest(kind, whole) !== undefined && ownDigest(kind, changed) === undefined;
}

async function outcome(
  {reader, folder, files, meaning}: Fixture,
  file: string,
  changed: Uint8Array,
): Promise<string | undefined> {
  try {
    const read = meaningOf(await reader.read(folder));
    if (read === meaning || !reader.sealed.includes(file)) return undefined;
    if (lostDigest(reader.files[file], files.get(file) ?? changed, changed)) return undefined;
    return 'accepted in silence';
  } catch (error) {
    if (!(error instanceof Error)) return `no error: ${error}`;
    if (!isForUsers(error)) return `no error of ours: ${error.stack}`;
    if (/\n\s+at /.test(error.message)) return `a stack in words: ${error.message}`;
    if (error.message.length > 4000)
      return `${error.message.length} characters of words: ${error.message.slice(0, 200)}`;
    return undefined;
  }
}

/** Seconds that this process has computed: what else the machine does does not count. */
export function computedSeconds(): number {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Runs cases `from` to `to` and yields those that fail; `seen` is told each number before it is run. */
export async function* fuzzCases(
  seed: number,
  from: number,
  to: number,
  seen: (number: number) => void = () => {},
): AsyncGenerator<Failure> {
  await useBackend('cpu');
  const root = mkdtempSync(join(tmpdir(), 'bmojo-fuzz-'));
  const write = process.stderr.write;
  process.stderr.write = () => true; // notes of old versions
  try {
    const fixtures: Fixture[] = [];
    for (const [i, reader] of readers.entries()) {
      const folder = join(root, String(i));
      const files = await makeFixture(reader, folder);
      // A lock of another host and the like are refused already.
      const meaning = await Promise.resolve()
        .then(() => reader.read(folder))
        .then(meaningOf, error => String(error));
      fixtures.push({reader, folder, files, meaning});
    }
    const before = memory().numTensors;
    const began = process.memoryUsage.rss(); // in a process of many tests a gigabyte may be taken before the first case
    for (let number = from; number < to; number++) {
      seen(number);
      const random = randomStream([seed, 77], number);
      const fixture = fixtures[Math.floor(random.uniform() * fixtures.length)];
      const {reader, folder, files} = fixture;
      const names = Object.keys(reader.files);
      const file = names[Math.floor(random.uniform() * names.length)];
      const whole = files.get(file) as Uint8Array;
      const changed = mutate(random, reader.files[file], whole);
      replaceFile(join(folder, file), changed);
      const start = computedSeconds();
      let what = await outcome(fixture, file, changed);
      const seconds = computedSeconds() - start;
      if (seconds > MOST_SECONDS) what ??= `took ${seconds.toFixed(1)} s`;
      const taken = process.memoryUsage.rss() - began;
      if (taken > MOST_BYTES) what ??= `took ${taken} bytes`;
      if (memory().numTensors !== before) what ??= `left ${memory().numTensors - before} tensors`;
      replaceFile(join(folder, file), whole);
      if (what !== undefined) yield {number, reader: reader.name, file, what};
    }
  } finally {
    process.stderr.write = write;
    rmSync(root, {recursive: true, force: true});
  }
}
