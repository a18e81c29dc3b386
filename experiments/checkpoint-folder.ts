// Checkpoints on disk. Each is a folder of its own, written whole under another name and then renamed; a small pointer
// file, replaced last and atomically, names the valid one. A process killed at any moment leaves a loadable checkpoint.

import {randomBytes} from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import {join} from 'node:path';
import {refuseLink, removeDrafts, syncFolder, writeFileAtomic, writeNewFile} from '../formats/atomic-file.js';
import {readTextFile, sealedJson} from '../formats/json-file.js';
import {writeShards} from '../formats/safetensors-file.js';
import {sha256Of} from '../formats/sha256/index.js';
import type {CheckpointStore, Snapshot} from '../train/snapshot.js';
import type {ArraysName, BesideRecord, Pointer, PointerEntry} from './checkpoint-state.js';
import {
  CheckpointError,
  isShardName,
  pointerJson,
  readPointer,
  readState,
  STEP_FOLDER,
} from './checkpoint-state.js';
import {OpenCheckpoint} from './open-checkpoint.js';

export {CheckpointError} from './checkpoint-state.js';

const POINTER = 'latest.json';
const STATE = 'state.json';
const DRAFT = /^draft-([0-9a-f]{16}|\d+)$/;

export interface CheckpointFolderOptions {
  /** Files beside the checkpoints whose state of the moment each checkpoint notes, by name. */
  readonly beside?: () => Readonly<Record<string, BesideRecord>>;
  /** Bytes of a file of arrays. Default 2^30. */
  readonly shardBytes?: number;
}

/**
 * Keeps the last complete checkpoint of a run on disk, and the last sound one where that one is not; a
 * process killed at any moment leaves one that loads.
 *
 * Errors: CheckpointError for a damaged pointer or checkpoint, FilePlaceError for a folder that is a link.
 */
export class CheckpointFolder implements CheckpointStore {
  private pointer: Pointer | undefined;
  /** Whether the pointer carries a digest; those of version 1 do not. */
  readonly sealed: boolean = true;

  /** Errors: CheckpointError when the pointer is damaged. */
  constructor(
    readonly folder: string,
    private readonly options: CheckpointFolderOptions = {},
  ) {
    if (existsSync(this.pointerPath)) ({pointer: this.pointer, sealed: this.sealed} = this.readPointer());
  }

  get lastStep(): number | undefined {
    return this.pointer?.step;
  }

  /** Step of a later checkpoint that the last one was preferred to. */
  get givenUp(): number | undefined {
    return this.pointer?.givenUp;
  }

  /** Files beside the checkpoints as they were at the last one. */
  get beside(): Readonly<Record<string, BesideRecord>> {
    return this.pointer?.beside ?? {};
  }

  /** Errors: FilePlaceError when the folder is a link: nothing is written or removed behind it; those of the system. */
  async save(snapshot: Snapshot): Promise<string> {
    refuseLink(this.folder);
    mkdirSync(this.folder, {recursive: true});
    const draft = join(this.folder, `draft-${randomBytes(8).toString('hex')}`);
    mkdirSync(draft);
    let name: string;
    let sha256: string;
    try {
      sha256 = await this.write(draft, snapshot);
      name = this.freeName(snapshot.step);
      renameSync(draft, join(this.folder, name));
    } catch (error) {
      this.remove(draft);
      throw error;
    }
    const before = this.pointer?.sound ?? this.lastEntry();
    this.point({
      folder: name,
      step: snapshot.step,
      sha256,
      ...(snapshot.sound === false && before !== undefined ? {sound: before} : {}),
      ...(this.options.beside === undefined ? {} : {beside: this.options.beside()}),
    });
    return join(this.folder, name);
  }

  retreat(): number | undefined {
    const {sound, step} = this.pointer ?? {};
    if (sound === undefined) return this.lastStep;
    this.point({...sound, givenUp: step, beside: this.beside});
    return sound.step;
  }

  /** SHA-256 of the weights of the last complete checkpoint. Errors: CheckpointError. */
  weightsDigest(): string {
    return this.patiently(pointer => this.readState(pointer).digest);
  }

  /**
   * The last complete checkpoint, compared with its digests; to be closed.
   * Errors: CheckpointError when there is none or its files are damaged.
   */
  open(): OpenCheckpoint {
    return this.patiently(
      pointer => new OpenCheckpoint(join(this.folder, pointer.folder), this.readState(pointer)),
    );
  }

  /** Reads what the pointer names, and again while a writer has replaced it meanwhile. */
  private patiently<T>(read: (pointer: Pointer) => T): T {
    for (;;) {
      const {pointer, text} = this.readPointer();
      try {
        return read(pointer);
      } catch (error) {
        const now = readTextFile(this.pointerPath, reason => {
          throw new CheckpointError(`checkpoint: ${this.pointerPath} ${reason}`);
        });
        if (now === text) throw error;
      }
    }
  }

  private async write(draft: string, snapshot: Snapshot): Promise<string> {
    const {memory, step, cursor} = snapshot;
    const {shardBytes} = this.options;
    const all: [ArraysName, Snapshot['weights']][] = [
      ['weights', snapshot.weights],
      ['optimizer', snapshot.optimizer],
      ...(memory === undefined ? [] : [['memory', memory.arrays] as [ArraysName, Snapshot['weights']]]),
    ];
    const files: Partial<Record<ArraysName, object>> = {};
    let weightsSha256 = '';
    for (const [name, arrays] of all) {
      const {shards, sha256} = await writeShards(draft, name, arrays, {shardBytes});
      files[name] = shards;
      if (name === 'weights') weightsSha256 = sha256;
    }
    const sizes = memory && {position: memory.position, parts: memory.parts, layers: memory.layers};
    const text = sealedJson({version: 2, step, cursor, ...(sizes && {memory: sizes}), files, weightsSha256});
    writeNewFile(join(draft, STATE), text);
    syncFolder(draft);
    return sha256Of(Buffer.from(text));
  }

  /** A name for the checkpoint of a step. The valid ones are never touched, not even to save the same step again. */
  private freeName(step: number): string {
    const usual = `step-${String(step).padStart(8, '0')}`;
    const kept = keptFolders(this.pointer);
    for (let again = 0; ; again++) {
      const name = again === 0 ? usual : again === 1 ? `${usual}-again` : `${usual}-again-${again}`;
      if (kept.includes(name)) continue;
      this.removeCheckpoint(name);
      if (lstatSync(join(this.folder, name), {throwIfNoEntry: false}) === undefined) return name;
    }
  }

  private point(pointer: Pointer): void {
    writeFileAtomic(this.pointerPath, sealedJson(pointerJson(pointer)));
    this.pointer = pointer;
    const kept = keptFolders(pointer);
    for (const entry of readdirSync(this.folder)) {
      if (DRAFT.test(entry)) this.remove(join(this.folder, entry));
      else if (!kept.includes(entry)) this.removeCheckpoint(entry);
    }
    removeDrafts(this.folder, [POINTER]);
  }

  /** Removes a checkpoint that was made here: by its name and by the record in it. Anything else stays. */
  private removeCheckpoint(name: string): void {
    const path = join(this.folder, name);
    if (!STEP_FOLDER.test(name) || !isFolder(path)) return;
    try {
      readState(join(path, STATE), {step: Number(/\d+/.exec(name)?.[0])} as PointerEntry);
    } catch {
      return;
    }
    this.remove(path);
  }

  /** Removes files of ours from a folder, the record last, and the folder when nothing else is in it. */
  private remove(path: string): void {
    if (!isFolder(path)) return;
    try {
      for (const entry of readdirSync(path)) if (isShardName(entry)) rmSync(join(path, entry), {force: true});
      rmSync(join(path, STATE), {force: true});
      rmdirSync(path);
    } catch {
      // Something else lies in it, or somebody reads it: it stays, and a later save tries again.
    }
  }

  private lastEntry(): PointerEntry | undefined {
    if (this.pointer === undefined) return undefined;
    const {folder, step} = this.pointer;
    const state = join(this.folder, folder, STATE);
    return existsSync(state) ? {folder, step, sha256: sha256Of(readFileSync(state))} : undefined;
  }

  private get pointerPath(): string {
    return join(this.folder, POINTER);
  }

  private readPointer() {
    return readPointer(this.pointerPath);
  }

  private readState(pointer: PointerEntry) {
    return readState(join(this.folder, pointer.folder, STATE), pointer);
  }
}

function keptFolders(pointer: Pointer | undefined): string[] {
  return pointer === undefined
    ? []
    : [pointer.folder, ...(pointer.sound === undefined ? [] : [pointer.sound.folder])];
}

function isFolder(path: string): boolean {
  return lstatSync(path, {throwIfNoEntry: false})?.isDirectory() === true;
}
