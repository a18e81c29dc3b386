// A checkpoint under the hand: its files are open and compared with their digests, its arrays are read one by one. What the
// writer removes meanwhile stays readable.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {SafetensorsError} from '../formats/safetensors.js';
import {SafetensorsReader} from '../formats/safetensors-file.js';
import type {ArraySource, CarriedMemory, Snapshot} from '../train/snapshot.js';
import type {ArraysName, CheckpointState, Shard} from './checkpoint-state.js';
import {CheckpointError} from './checkpoint-state.js';

export class OpenCheckpoint implements Snapshot {
  readonly step: number;
  readonly cursor: number;
  readonly weights: readonly ArraySource[];
  readonly optimizer: readonly ArraySource[];
  readonly memory?: CarriedMemory;
  /** SHA-256 of the weights as one safetensors file, however they are cut. */
  readonly digest: string;
  private readonly readers: SafetensorsReader[] = [];

  /** Errors: CheckpointError for files that are missing, damaged or not float32. */
  constructor(folder: string, {step, cursor, memory, files, digest}: CheckpointState) {
    this.step = step;
    this.cursor = cursor;
    this.digest = digest;
    try {
      const arrays = (name: ArraysName): ArraySource[] =>
        (files[name] ?? []).flatMap(shard => this.openShard(folder, shard));
      this.weights = arrays('weights');
      this.optimizer = arrays('optimizer');
      if (memory !== undefined) this.memory = {...memory, arrays: arrays('memory')};
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const reader of this.readers.splice(0)) reader.close();
  }

  private openShard(folder: string, {file, bytes, sha256}: Shard): ArraySource[] {
    const path = join(folder, file);
    if (!existsSync(path)) throw new CheckpointError(`checkpoint: ${path} does not exist`);
    let reader: SafetensorsReader;
    try {
      reader = SafetensorsReader.open(path);
    } catch (error) {
      if (!(error instanceof SafetensorsError)) throw error;
      throw new CheckpointError(`checkpoint: ${path} is damaged: ${error.message}`);
    }
    this.readers.push(reader);
    if (bytes !== undefined && reader.bytes !== bytes)
      throw new CheckpointError(`checkpoint: ${path} is damaged: it has ${reader.bytes} bytes, had ${bytes}`);
    if (reader.digest() !== sha256)
      throw new CheckpointError(`checkpoint: ${path} is damaged: its SHA-256 is not the one in state.json`);
    const other = reader.header.places.find(({dtype}) => dtype !== 'F32');
    if (other !== undefined)
      throw new CheckpointError(`checkpoint: ${other.name} in ${path} must be float32`);
    return reader.sources();
  }
}
