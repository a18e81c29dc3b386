// A model folder in memory: for tests, for pages that hand a model on, for stores of others to be filled from.

import type {ModelStore, Pieces} from './source.js';

/** A model folder in memory, with its files by name. */
export interface MemoryFolder extends ModelStore {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

/**
 * An empty model folder in memory, to be written by `writeModel` and read by `openModel`; `name` stands in
 * messages.
 */
export function modelInMemory(name = 'memory'): MemoryFolder {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const append = (path: string, piece: Uint8Array): void => {
    const before = files.get(path) ?? new Uint8Array(0);
    const joined = new Uint8Array(before.length + piece.length);
    joined.set(before);
    joined.set(piece, before.length);
    files.set(path, joined);
  };
  return {
    name,
    files,
    size: async path => files.get(path)?.length,
    read: async (path, {from = 0} = {}) => {
      const bytes = files.get(path);
      return bytes === undefined ? undefined : one(bytes.subarray(from));
    },
    write: async (path, pieces, {append: keeps = false} = {}) => {
      if (!keeps) files.set(path, new Uint8Array(0));
      for await (const piece of pieces) append(path, piece);
    },
  };
}

async function* one(bytes: Uint8Array<ArrayBuffer>): Pieces {
  yield bytes;
}
