// A memory that a command has open: closed behind it, however it ends.

import type {MemoryStore} from '../memory/index.js';

/**
 * Works with a store, which is closed behind it. Errors: those of the work, whatever closing says then: a disk that is full
 * refuses both, and only the first says what is lost or stays; else those of closing.
 */
export async function withOpened<T>(
  store: MemoryStore,
  work: (store: MemoryStore) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await work(store);
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }
  await store.close();
  return result;
}
