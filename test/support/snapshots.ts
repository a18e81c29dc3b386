// Snapshots whose numbers are in memory: what a store in memory keeps, and what tests compare.

import type {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import type {ArraySource, CarriedMemory, CheckpointStore, Snapshot} from '../../train/snapshot.js';

export class HeldArray implements ArraySource {
  constructor(
    readonly name: string,
    readonly shape: readonly number[],
    readonly data: Float32Array,
  ) {}

  read(): Float32Array {
    return this.data;
  }
}

export interface HeldSnapshot extends Snapshot {
  readonly weights: readonly HeldArray[];
  readonly optimizer: readonly HeldArray[];
  readonly memory?: CarriedMemory & {readonly arrays: readonly HeldArray[]};
}

/** Reads arrays. */
export const heldArrays = (arrays: readonly ArraySource[]): Promise<HeldArray[]> =>
  Promise.all(arrays.map(async one => new HeldArray(one.name, [...one.shape], (await one.read()).slice())));

/** Reads everything of a snapshot. */
export async function holdSnapshot({
  step,
  cursor,
  weights,
  optimizer,
  memory,
}: Snapshot): Promise<HeldSnapshot> {
  return {
    step,
    cursor,
    weights: await heldArrays(weights),
    optimizer: await heldArrays(optimizer),
    ...(memory === undefined ? {} : {memory: {...memory, arrays: await heldArrays(memory.arrays)}}),
  };
}

/** The last checkpoint of a folder, read. */
export async function loadCheckpoint(folder: CheckpointFolder): Promise<HeldSnapshot> {
  const open = folder.open();
  try {
    return await holdSnapshot(open);
  } finally {
    open.close();
  }
}

export class MemoryStore implements CheckpointStore {
  readonly snapshots = new Map<number, HeldSnapshot>();
  lastStep: number | undefined;

  async save(snapshot: Snapshot): Promise<string> {
    this.snapshots.set(snapshot.step, await holdSnapshot(snapshot));
    this.lastStep = snapshot.step;
    return 'memory';
  }
}
