// A database's memory that was filled without an index, as it is searched: with one.

import type {MemoryStore} from '../memory/index.js';
import {openMemory} from '../memory/index.js';
import {SqlMemory} from '../memory/sql/sql-memory.js';

/** Closes what was filled, opens it anew with `exactRows`, and makes the indexes that this asks for. */
export async function reopened(place: string, filled: MemoryStore, exactRows?: number): Promise<MemoryStore> {
  const {format} = filled;
  await filled.close();
  const store = await openMemory(place, {format, exactRows});
  if (store instanceof SqlMemory) await store.indexed();
  return store;
}
