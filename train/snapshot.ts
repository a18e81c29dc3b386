// The whole state of a run between two steps, as plain arrays: what a checkpoint holds.

import type {Tensor} from '@tensorflow/tfjs-core';
import {tensor} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import type {Parameter} from './trainable.js';

/** A snapshot that belongs to another model or to other settings; the message says what differs. */
export class SnapshotError extends BmojoError {
  override readonly name = 'SnapshotError';
  readonly kind = 'damage';

  /** `detail`: what differs. */
  constructor(readonly detail: string) {
    super(`checkpoint: belongs to other settings than config.json has: ${detail}`);
  }
}

/** The name and the shape of an array, without its numbers. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** An array whose numbers are fetched one by one with others: a model's weights never stand in memory twice as a whole. */
export interface ArraySource extends NamedShape {
  read(): Float32Array | Promise<Float32Array>;
}

/** A model's memory as plain arrays, between two updates that belong to one stretch of text. */
export interface CarriedMemory {
  /** Tokens behind it. */
  readonly position: number;
  /** Micro-batches of a batch, each with a memory of its own. */
  readonly parts: number;
  readonly layers: number;
  /** Named `micro-batch/layer/name`. */
  readonly arrays: readonly ArraySource[];
}

/** The whole state of a run between two updates: what a checkpoint holds, and what a run goes on from. */
export interface Snapshot {
  /** Updates made. */
  readonly step: number;
  /** Index of the next training sample. */
  readonly cursor: number;
  /** False where the loss had left its usual range, as before it becomes NaN. Default true. */
  readonly sound?: boolean;
  readonly weights: readonly ArraySource[];
  /** Moments of the optimizer. */
  readonly optimizer: readonly ArraySource[];
  /** Present where the next update goes on from the memory of the last. */
  readonly memory?: CarriedMemory;
}

/** Where checkpoints go: a folder in Node, anything else elsewhere. */
export interface CheckpointStore {
  /** Step of the last complete checkpoint. */
  readonly lastStep: number | undefined;
  /** Keeps a snapshot; returns where. Sources are read before it resolves. */
  save(snapshot: Snapshot): Promise<string>;
  /** Makes the last sound checkpoint the one to go on with, where the last one is not sound; returns its step. */
  retreat?(): number | undefined;
}

/** The values as they are on the device when they are read. */
export function arraySources(parameters: readonly Parameter[]): ArraySource[] {
  return parameters.map(({name, variable}) => ({
    name,
    shape: variable.shape,
    read: async () => Float32Array.from(await variable.data<'float32'>()),
  }));
}

/** Errors: SnapshotError naming a missing or unknown entry, or one of another shape. */
export function checkShapes(expected: readonly NamedShape[], found: readonly NamedShape[]): void {
  const byName = new Map(found.map(one => [one.name, one.shape]));
  if (byName.size < found.length) throw new SnapshotError('a name stands twice');
  for (const {name, shape} of expected) {
    const own = byName.get(name);
    if (own === undefined) throw new SnapshotError(`no entry ${name}`);
    if (own.join() !== shape.join())
      throw new SnapshotError(`${name} must be [${shape.join(', ')}], got ${shown(own)}`);
    byName.delete(name);
  }
  if (byName.size > 0) throw new SnapshotError(`the model has no parameter ${shown([...byName.keys()])}`);
}

/** Writes arrays back, one at a time. Errors: SnapshotError as of {@link checkShapes}, before anything is written. */
export async function restoreArrays(
  parameters: readonly Parameter[],
  arrays: readonly ArraySource[],
): Promise<void> {
  checkShapes(
    parameters.map(({name, variable}) => ({name, shape: variable.shape})),
    arrays,
  );
  const byName = new Map(arrays.map(array => [array.name, array]));
  for (const {name, variable} of parameters) {
    const data = await byName.get(name)!.read();
    // A copy: the cpu backend keeps the array, and the optimizer writes into the variable's memory.
    const value: Tensor = tensor(data.slice(), variable.shape, 'float32');
    variable.assign(value);
    value.dispose();
  }
}
