// Checkpoints on disk. Each is a folder of its own, written whole under another name and then renamed; a small pointer
// file, replaced last and atomically, names the valid one. A process killed at any moment leaves a loadable checkpoint.

import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import {syncFolder, writeFileAtomic, writeFileDurably} from '../formats/atomic-file.js';
import {decodeSafetensors, encodeSafetensors} from '../formats/safetensors.js';
import type {CarriedMemory, CheckpointStore, NamedArray, Snapshot} from '../train/snapshot.js';

const POINTER = 'latest.json';
const WEIGHTS = 'weights.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const MEMORY = 'memory.safetensors';
const STATE = 'state.json';

/** A checkpoint that is missing or damaged. */
export class CheckpointError extends BmojoError {
  override readonly name = 'CheckpointError';
  readonly kind = 'damage';
}

interface State {
  readonly step: number;
  readonly cursor: number;
  /** Sizes of the carried memory, where there is one. */
  readonly memory?: Omit<CarriedMemory, 'arrays'>;
  /** SHA-256 of each file, by name. */
  readonly checksums: Readonly<Record<string, string>>;
}

export class CheckpointFolder implements CheckpointStore {
  lastStep: number | undefined;

  constructor(readonly folder: string) {
    this.lastStep = existsSync(join(folder, POINTER)) ? this.readPointer().step : undefined;
  }

  async save(snapshot: Snapshot): Promise<string> {
    const usual = `step-${String(snapshot.step).padStart(8, '0')}`;
    // The valid checkpoint is never touched, not even to save the same step again.
    const name =
      this.lastStep === snapshot.step && this.readPointer().folder === usual ? `${usual}-again` : usual;
    const final = join(this.folder, name);
    const draft = join(this.folder, `draft-${process.pid}`);
    rmSync(draft, {recursive: true, force: true});
    mkdirSync(draft, {recursive: true});
    const {memory} = snapshot;
    const files = {
      [WEIGHTS]: encodeSafetensors(snapshot.weights),
      [OPTIMIZER]: encodeSafetensors(snapshot.optimizer),
      ...(memory === undefined ? {} : {[MEMORY]: encodeSafetensors(memory.arrays)}),
    };
    const checksums = Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, sha256(bytes)]));
    const sizes = memory && {position: memory.position, parts: memory.parts, layers: memory.layers};
    const state: State = {
      step: snapshot.step,
      cursor: snapshot.cursor,
      ...(sizes === undefined ? {} : {memory: sizes}),
      checksums,
    };
    for (const [file, bytes] of Object.entries(files)) writeFileDurably(join(draft, file), bytes);
    writeFileDurably(join(draft, STATE), Buffer.from(`${JSON.stringify(state, null, 2)}\n`));
    syncFolder(draft);
    rmSync(final, {recursive: true, force: true});
    renameSync(draft, final);
    const pointer = JSON.stringify({folder: name, step: snapshot.step});
    writeFileAtomic(join(this.folder, POINTER), Buffer.from(`${pointer}\n`));
    this.lastStep = snapshot.step;
    for (const entry of readdirSync(this.folder)) {
      if (entry !== name && entry !== POINTER)
        rmSync(join(this.folder, entry), {recursive: true, force: true});
    }
    return final;
  }

  /** SHA-256 of the weights of the last complete checkpoint. Errors: CheckpointError. */
  weightsDigest(): string {
    return this.readState(this.validFolder()).checksums[WEIGHTS];
  }

  /** The last complete checkpoint. Errors: CheckpointError when there is none or its files are damaged. */
  load(): Snapshot {
    const folder = this.validFolder();
    const state = this.readState(folder);
    return {
      step: state.step,
      cursor: state.cursor,
      weights: this.readArrays(folder, WEIGHTS, state),
      optimizer: this.readArrays(folder, OPTIMIZER, state),
      ...(state.memory === undefined
        ? {}
        : {memory: {...state.memory, arrays: this.readArrays(folder, MEMORY, state)}}),
    };
  }

  private validFolder(): string {
    return join(this.folder, this.readPointer().folder);
  }

  private readState(folder: string): State {
    return this.readJson<State>(join(folder, STATE), ['step', 'cursor', 'checksums']);
  }

  private readPointer(): {folder: string; step: number} {
    return this.readJson(join(this.folder, POINTER), ['folder', 'step']);
  }

  private readJson<T>(path: string, keys: readonly (keyof T & string)[]): T {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      const reason = existsSync(path) ? `cannot be read: ${String(error)}` : 'does not exist';
      throw new CheckpointError(`checkpoint: ${path} ${reason}`);
    }
    if (typeof value !== 'object' || value === null || keys.some(key => !(key in value)))
      throw new CheckpointError(`checkpoint: ${path} must hold ${keys.join(', ')}`);
    return value as T;
  }

  private readArrays(folder: string, file: string, state: State): NamedArray[] {
    const path = join(folder, file);
    if (!existsSync(path)) throw new CheckpointError(`checkpoint: ${path} does not exist`);
    const bytes = readFileSync(path);
    if (sha256(bytes) !== state.checksums[file])
      throw new CheckpointError(`checkpoint: ${path} is damaged: its SHA-256 is not the one in ${STATE}`);
    return decodeSafetensors(bytes).tensors.map(({name, shape, data}) => {
      if (!(data instanceof Float32Array))
        throw new CheckpointError(`checkpoint: ${name} in ${path} must be float32`);
      return {name, shape, data};
    });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
