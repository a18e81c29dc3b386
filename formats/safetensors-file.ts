// Safetensors files on disk (Node only): written tensor by tensor and read by range, so that a file may be larger than the
// memory, in shards with a digest each.

import {createHash} from 'node:crypto';
import {closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {asFloat32, decodeNumbers} from './safetensors.js';
import type {SafetensorsHeader, TensorPlace} from './safetensors-header.js';
import {
  dataOffset,
  decodeHeader,
  encodeHeader,
  LENGTH_BYTES,
  SafetensorsError,
  sizeOf,
  widths,
} from './safetensors-header.js';

/** A tensor of float32 numbers that are fetched when they are needed. */
export interface ArraySource {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Float32Array | Promise<Float32Array>;
}

/** The files of some tensors. */
export interface WrittenShards {
  readonly shards: readonly ShardRecord[];
  /** SHA-256 of the one file that they would make together: names the numbers however they are cut. */
  readonly sha256: string;
}

export interface ShardRecord {
  /** Name within the folder. */
  readonly file: string;
  readonly bytes: number;
  /** Of the whole file, hexadecimal. */
  readonly sha256: string;
}

/** Bytes that are hashed, read or written in one go. */
const BLOCK = 1 << 24;
/** Bytes of tensors in a shard; a tensor of more has a shard of its own. */
const SHARD_BYTES = 2 ** 30;

/** Tensors in order, divided so that a shard has no more than `most` bytes unless one tensor alone has. */
export function shardsOf<T extends {readonly shape: readonly number[]}>(
  tensors: readonly T[],
  most = SHARD_BYTES,
): T[][] {
  const shards: T[][] = [[]];
  let bytes = 0;
  for (const one of tensors) {
    const own = sizeOf(one.shape) * widths.F32;
    const last = shards[shards.length - 1];
    if (last.length > 0 && bytes + own > most) {
      shards.push([one]);
      bytes = own;
    } else {
      last.push(one);
      bytes += own;
    }
  }
  return shards;
}

/**
 * Writes `STEM.safetensors`, or `STEM-00001-of-00003.safetensors` and so on, durably; none of them may be there yet.
 * One tensor at a time is in memory. Errors: SafetensorsError for a repeated name or a source that gives another number of
 * numbers than its shape has.
 */
export async function writeShards(
  folder: string,
  stem: string,
  tensors: readonly ArraySource[],
  {shardBytes = SHARD_BYTES}: {shardBytes?: number} = {},
): Promise<WrittenShards> {
  const shards = shardsOf(tensors, shardBytes);
  // One file is its own whole: hashing its numbers twice would double the time.
  const whole = shards.length === 1 ? undefined : createHash('sha256').update(headerOf(tensors));
  const number = (value: number): string => String(value).padStart(5, '0');
  const records: ShardRecord[] = [];
  for (const [i, shard] of shards.entries()) {
    const file =
      shards.length === 1
        ? `${stem}.safetensors`
        : `${stem}-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    const written = await writeFile(join(folder, file), shard, data => whole?.update(data));
    records.push({file, ...written});
  }
  return {shards: records, sha256: whole?.digest('hex') ?? records[0].sha256};
}

function headerOf(tensors: readonly ArraySource[]): Uint8Array {
  return encodeHeader(tensors.map(({name, shape}) => ({name, shape, dtype: 'F32'})));
}

async function writeFile(
  path: string,
  tensors: readonly ArraySource[],
  seen: (data: Uint8Array) => void,
): Promise<Omit<ShardRecord, 'file'>> {
  const hash = createHash('sha256');
  const file = openSync(path, 'wx');
  let bytes = 0;
  const write = (all: Uint8Array, isData: boolean): void => {
    for (let from = 0; from < all.length; from += BLOCK) {
      const block = all.subarray(from, from + BLOCK);
      hash.update(block);
      if (isData) seen(block);
      for (let at = 0; at < block.length; ) at += writeSync(file, block, at);
    }
    bytes += all.length;
  };
  try {
    write(headerOf(tensors), false);
    for (const source of tensors) {
      const data = await source.read();
      if (data.length !== sizeOf(source.shape))
        throw new SafetensorsError(
          `safetensors: ${source.name} of shape [${source.shape.join(', ')}] has ${data.length} numbers`,
        );
      write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), true);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return {bytes, sha256: hash.digest('hex')};
}

/** A safetensors file under the hand: its header in memory, its tensors by range. */
export class SafetensorsReader {
  private constructor(
    readonly path: string,
    private readonly file: number,
    /** Of the whole file. */
    readonly bytes: number,
    private readonly offset: number,
    readonly header: SafetensorsHeader,
  ) {}

  /** Errors: SafetensorsError for a malformed file; those of the system. */
  static open(path: string): SafetensorsReader {
    const file = openSync(path, 'r');
    try {
      const {size} = fstatSync(file);
      const offset = dataOffset(readRange(file, 0, Math.min(LENGTH_BYTES, size)), size);
      const json = readRange(file, LENGTH_BYTES, offset - LENGTH_BYTES);
      return new SafetensorsReader(path, file, size, offset, decodeHeader(json, size - offset));
    } catch (error) {
      closeSync(file);
      throw error instanceof SafetensorsError ? new SafetensorsError(`${path}: ${error.message}`) : error;
    }
  }

  /** The numbers of a tensor. Errors: SafetensorsError for those that are not finite or not float32. */
  read(place: TensorPlace): Float32Array {
    const own = readRange(this.file, this.offset + place.begin, place.end - place.begin);
    return asFloat32({...place, data: decodeNumbers(own, place)});
  }

  /** The file's tensors as sources. */
  sources(): ArraySource[] {
    return this.header.places.map(place => ({
      name: place.name,
      shape: place.shape,
      read: () => this.read(place),
    }));
  }

  /** SHA-256 of the whole file, read in blocks. */
  digest(): string {
    const hash = createHash('sha256');
    const block = new Uint8Array(Math.min(BLOCK, this.bytes));
    for (let at = 0; at < this.bytes; at += block.length) {
      const part = block.subarray(0, this.bytes - at);
      fill(part, this.file, at);
      hash.update(part);
    }
    return hash.digest('hex');
  }

  close(): void {
    closeSync(this.file);
  }
}

function readRange(file: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  fill(bytes, file, offset);
  return bytes;
}

function fill(bytes: Uint8Array, file: number, offset: number): void {
  for (let at = 0; at < bytes.length; ) {
    const got = readSync(file, bytes, at, Math.min(bytes.length - at, BLOCK), offset + at);
    if (got === 0) throw new SafetensorsError('safetensors: the file ended while it was read');
    at += got;
  }
}
