// The two small files of a checkpoint folder: latest.json, which names the valid checkpoint, and its state.json. Checked
// before believed.

import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import {readTextFile, unsealJson} from '../formats/json-file.js';
import {isCount, isRecord} from '../formats/json-text.js';
import type {ShardRecord} from '../formats/safetensors-file.js';
import {sha256Of} from '../formats/sha256/index.js';
import type {CarriedMemory} from '../train/snapshot.js';

/** A checkpoint that is missing or damaged; the message says which file and why. */
export class CheckpointError extends BmojoError {
  override readonly name = 'CheckpointError';
  readonly kind = 'damage';
}

/** Kinds of arrays that a checkpoint holds, each in files of its own. */
export const ARRAYS = ['weights', 'optimizer', 'memory'] as const;
export type ArraysName = (typeof ARRAYS)[number];

export interface Shard extends Omit<ShardRecord, 'bytes'> {
  /** Unknown in checkpoints of version 1. */
  readonly bytes?: number;
}

export interface CheckpointState {
  readonly step: number;
  readonly cursor: number;
  /** Sizes of the carried memory, where there is one. */
  readonly memory?: Omit<CarriedMemory, 'arrays'>;
  readonly files: Readonly<Partial<Record<ArraysName, readonly Shard[]>>>;
  /** SHA-256 of the weights as one safetensors file, however they are cut. */
  readonly digest: string;
}

/** One checkpoint as the pointer names it. */
export interface PointerEntry {
  readonly folder: string;
  readonly step: number;
  /** SHA-256 of its state.json; unknown in version 1. */
  readonly sha256?: string;
}

/** A file beside the checkpoints as it was when the last one was saved: its first bytes. */
export interface BesideRecord {
  readonly bytes: number;
  readonly sha256: string;
}

export interface Pointer extends PointerEntry {
  /** The last one from before the loss left its range, where that is another. */
  readonly sound?: PointerEntry;
  /** Step of a later checkpoint that was given up, since the loss had left its range there and then was not finite. */
  readonly givenUp?: number;
  readonly beside?: Readonly<Record<string, BesideRecord>>;
}

const SHA256 = /^[0-9a-f]{64}$/;
export const STEP_FOLDER = /^step-\d{8,16}(-again(-\d+)?)?$/;
const SHARD = /^(weights|optimizer|memory)(-\d{5}-of-\d{5})?\.safetensors$/;

export const isShardName = (name: string): boolean => SHARD.test(name);

const isSha256 = (value: unknown): value is string => typeof value === 'string' && SHA256.test(value);

function failIn(path: string) {
  return (reason: string): never => {
    throw new CheckpointError(`checkpoint: ${path} ${reason}`);
  };
}

function requireCount(value: unknown, what: string, fail: (reason: string) => never): number {
  return isCount(value) ? value : fail(`must hold ${what} as a whole number from 0, got ${shown(value)}`);
}

function pointerEntry(value: unknown, fail: (reason: string) => never): PointerEntry {
  if (!isRecord(value)) return fail(`must hold folder and step, got ${shown(value)}`);
  const {folder, step, sha256} = value;
  if (typeof folder !== 'string' || !STEP_FOLDER.test(folder))
    return fail(`must name a folder such as step-00000001, got ${shown(folder)}`);
  if (sha256 !== undefined && !isSha256(sha256))
    return fail(`must hold a SHA-256 of 64 digits, got ${shown(sha256)}`);
  const made = requireCount(step, 'step', fail);
  if (Number(/\d+/.exec(folder)?.[0]) !== made) return fail(`names ${folder} for step ${made}`);
  return {folder, step: made, ...(sha256 === undefined ? {} : {sha256})};
}

/** Errors: CheckpointError. */
export function readPointer(path: string): {pointer: Pointer; sealed: boolean; text: string} {
  const fail = failIn(path);
  const text = readTextFile(path, fail);
  const {value, sealed} = unsealJson(text, fail);
  const {sound, beside, state, givenUp, ...entry} = value;
  if (sealed && !isSha256(state)) return fail('must hold the SHA-256 of state.json as state');
  const records = beside ?? {};
  if (!isRecord(records)) return fail(`must hold files beside it, got ${shown(beside)}`);
  const checked = Object.entries(records).map(([name, one]) => {
    if (!isRecord(one) || !isCount(one.bytes) || !isSha256(one.sha256))
      return fail(`must hold bytes and sha256 of ${shown(name)}, got ${shown(one)}`);
    return [name, {bytes: one.bytes, sha256: one.sha256}] as const;
  });
  const pointer: Pointer = {
    ...pointerEntry(sealed ? {...entry, sha256: state} : entry, fail),
    ...(sound === undefined ? {} : {sound: pointerEntry(sound, fail)}),
    ...(givenUp === undefined ? {} : {givenUp: requireCount(givenUp, 'givenUp', fail)}),
    ...(beside === undefined ? {} : {beside: Object.fromEntries(checked)}),
  };
  return {pointer, sealed, text};
}

/** What `readPointer` reads, before it is sealed. */
export function pointerJson({sha256, ...rest}: Pointer): object {
  return {version: 2, ...rest, state: sha256};
}

function shardList(name: ArraysName, value: unknown, fail: (reason: string) => never): Shard[] {
  if (!Array.isArray(value) || value.length === 0)
    return fail(`must hold a list of files of ${name}, got ${shown(value)}`);
  return value.map(one => {
    if (!isRecord(one)) return fail(`must hold file, bytes and sha256 of ${name}, got ${shown(one)}`);
    const {file, bytes, sha256} = one;
    if (typeof file !== 'string' || !SHARD.test(file) || !file.startsWith(name))
      return fail(`must name files of ${name}, got ${shown(file)}`);
    if (!isSha256(sha256)) return fail(`must hold the SHA-256 of ${file}, got ${shown(sha256)}`);
    return {file, bytes: requireCount(bytes, `bytes of ${file}`, fail), sha256};
  });
}

/** Checkpoints of version 1 had one file of each kind, and no sizes. */
function filesOfVersion1(checksums: unknown, fail: (reason: string) => never): CheckpointState['files'] {
  if (!isRecord(checksums)) return fail(`must hold checksums of its files, got ${shown(checksums)}`);
  const entries = Object.entries(checksums).map(([file, sha256]) => {
    const name = ARRAYS.find(one => file === `${one}.safetensors`);
    if (name === undefined || !isSha256(sha256))
      return fail(`must hold a SHA-256 for each of its files, got ${shown(sha256)} for ${shown(file)}`);
    return [name, [{file, sha256}]] as const;
  });
  return Object.fromEntries(entries);
}

/** The state of the checkpoint that the pointer names. Errors: CheckpointError. */
export function readState(path: string, {step, sha256}: PointerEntry): CheckpointState {
  const fail = failIn(path);
  const text = readTextFile(path, fail);
  if (sha256 !== undefined && sha256Of(Buffer.from(text)) !== sha256)
    return fail('is damaged: its SHA-256 is not the one in latest.json');
  const {value, sealed} = unsealJson(text, fail);
  const {memory} = value;
  const own = requireCount(value.step, 'step', fail);
  if (own !== step) return fail(`is of step ${own}, latest.json of step ${step}`);
  const files = sealed
    ? Object.fromEntries(
        ARRAYS.flatMap(name => {
          const given = isRecord(value.files) ? value.files[name] : undefined;
          return given === undefined ? [] : [[name, shardList(name, given, fail)] as const];
        }),
      )
    : filesOfVersion1(value.checksums, fail);
  for (const name of ['weights', 'optimizer'] as const)
    if (files[name] === undefined) return fail(`names no ${name}`);
  if ((memory === undefined) !== (files.memory === undefined))
    return fail('must hold sizes and files of the memory, or neither');
  const digest = sealed ? value.weightsSha256 : files.weights?.[0].sha256;
  if (!isSha256(digest)) return fail(`must hold the SHA-256 of the weights, got ${shown(digest)}`);
  return {
    step: own,
    cursor: requireCount(value.cursor, 'cursor', fail),
    files,
    digest,
    ...(memory === undefined ? {} : {memory: memorySizes(memory, fail)}),
  };
}

function memorySizes(value: unknown, fail: (reason: string) => never): Omit<CarriedMemory, 'arrays'> {
  if (!isRecord(value)) return fail(`must hold the sizes of the memory, got ${shown(value)}`);
  const [position, parts, layers] = ['position', 'parts', 'layers'].map(key =>
    requireCount(value[key], `memory.${key}`, fail),
  );
  // Names of the arrays are compared with these; more of them than that is nobody's memory.
  if (parts > 1 << 20 || layers > 1 << 10)
    return fail(`holds a memory of ${parts} parts and ${layers} layers`);
  return {position, parts, layers};
}
