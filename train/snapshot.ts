// The whole state of a run between two steps, as plain arrays: what a checkpoint holds.

import type {Tensor} from '@tensorflow/tfjs-core';
import {tensor} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import type {Parameter} from './trainable.js';

/** A snapshot of another model. */
export class SnapshotError extends BmojoError {
  override readonly name = 'SnapshotError';
  readonly kind = 'damage';

  /** `detail`: what differs. */
  constructor(readonly detail: string) {
    super(`checkpoint: belongs to other settings than config.json has: ${detail}`);
  }
}

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model's memory between two updates that belong to one stretch of text. */
export interface CarriedMemory {
  /** Tokens behind it. */
  readonly position: number;
  /** Micro-batches of a batch, each with a memory of its own. */
  readonly parts: number;
  readonly layers: number;
  /** Named `micro-batch/layer/name`. */
  readonly arrays: readonly NamedArray[];
}

export interface Snapshot {
  /** Updates made. */
  readonly step: number;
  /** Index of the next training sample. */
  readonly cursor: number;
  readonly weights: readonly NamedArray[];
  /** Moments of the optimizer. */
  readonly optimizer: readonly NamedArray[];
  /** Present where the next update goes on from the memory of the last. */
  readonly memory?: CarriedMemory;
}

/** Where checkpoints go: a folder in Node, anything else elsewhere. */
export interface CheckpointStore {
  /** Step of the last complete checkpoint. */
  readonly lastStep: number | undefined;
  /** Keeps a snapshot; returns where. */
  save(snapshot: Snapshot): Promise<string>;
}

/** Copies the values off the device. */
export async function readArrays(parameters: readonly Parameter[]): Promise<NamedArray[]> {
  return Promise.all(
    parameters.map(async ({name, variable}) => ({
      name,
      shape: variable.shape,
      data: Float32Array.from(await variable.data<'float32'>()),
    })),
  );
}

/** Writes arrays back. Errors: SnapshotError naming a missing or unknown entry, or one of another shape. */
export function restoreArrays(parameters: readonly Parameter[], arrays: readonly NamedArray[]): void {
  const byName = new Map(arrays.map(array => [array.name, array]));
  for (const {name, variable} of parameters) {
    const array = byName.get(name);
    if (array === undefined) throw new SnapshotError(`no entry ${name}`);
    if (array.shape.join() !== variable.shape.join()) {
      throw new SnapshotError(
        `${name} must be [${variable.shape.join(', ')}], got [${array.shape.join(', ')}]`,
      );
    }
    byName.delete(name);
    // A copy: the cpu backend keeps the array, and the optimizer writes into the variable's memory.
    const value: Tensor = tensor(array.data.slice(), [...array.shape], 'float32');
    variable.assign(value);
    value.dispose();
  }
  const left = [...byName.keys()];
  if (left.length > 0) throw new SnapshotError(`the model has no parameter ${left.join(', ')}`);
}
