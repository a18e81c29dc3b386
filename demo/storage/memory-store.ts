// Long-term memory in this browser: for each model, as its matrices are held, a database of its own (PGlite in IndexedDB), which
// is fetched when it is first wanted, and used by one tab at a time.

import {SettingError} from '../../config/schema.js';
import {weightDTypes} from '../../formats/weight-dtype.js';
import type {MemoryFormat, MemoryStore} from '../../memory/index.js';
import type {ChosenModel} from './chosen-model.js';
import {memoryNameOf} from './chosen-model.js';

const nameOf = (model: string): string => `bmojo-memory-${model}`;
/** Under this name PGlite keeps its files in IndexedDB. */
const databaseOf = (model: string): string => `/pglite/${nameOf(model)}`;

interface Held {
  readonly model: string;
  readonly store: MemoryStore;
  close(): Promise<void>;
}

let held: Held | undefined;

/** Takes what one tab has at a time; returns how it is given back. Errors: SettingError where another tab has it. */
async function takeLock(model: string): Promise<() => void> {
  const release = await requestLock(nameOf(model));
  if (release === undefined) throw busy(model);
  return release;
}

function busy(model: string): SettingError {
  return new SettingError(`the memory of ${model} is open in another tab: leave that page first`);
}

/** Undefined where another tab has the name. */
function requestLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> =>
      new Promise(release => {
        resolve(lock === null ? undefined : release);
        if (lock === null) release();
      });
    navigator.locks.request(name, {ifAvailable: true}, hold).catch(reject);
  });
}

async function open(model: string, format: MemoryFormat | undefined): Promise<Held> {
  const release = await takeLock(model);
  try {
    const [{PGlite}, {vector}, {openMemory}] = await Promise.all([
      import('@electric-sql/pglite'),
      import('@electric-sql/pglite-pgvector'),
      import('../../memory/index.js'),
    ]);
    const database = await PGlite.create(`idb://${nameOf(model)}`, {extensions: {vector}});
    const store = await openMemory(database, {format});
    const close = async (): Promise<void> => {
      try {
        await store.close();
      } finally {
        release();
      }
    };
    return {model, store, close};
  } catch (error) {
    release();
    throw error;
  }
}

/** Whether anything is remembered of this model; nothing is fetched or made to find out. */
export async function hasMemory(chosen: ChosenModel): Promise<boolean> {
  const wanted = databaseOf(memoryNameOf(chosen));
  return (await indexedDB.databases()).some(({name}) => name === wanted);
}

/**
 * The memory of a model, made of `format` where there is none. Errors: SettingError where another tab has it,
 * MemoryStoreError for one of other weights.
 */
export async function memoryOf(chosen: ChosenModel, format?: MemoryFormat): Promise<MemoryStore> {
  const model = memoryNameOf(chosen);
  if (held?.model !== model) {
    await closeMemory();
    held = await open(model, format);
  }
  return held.store;
}

export async function closeMemory(): Promise<void> {
  const open = held;
  held = undefined;
  await open?.close();
}

/** Deletes all that is remembered of a model. Errors: SettingError where another tab has it. */
export async function deleteMemory(chosen: ChosenModel): Promise<void> {
  const model = memoryNameOf(chosen);
  if (held?.model === model) await closeMemory();
  const release = await takeLock(model);
  try {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(databaseOf(model));
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(busy(model));
    });
  } finally {
    release();
  }
}

/** Deletes all that is remembered of a model, however it was held. Errors: as of `deleteMemory`. */
export async function deleteMemories(model: string): Promise<void> {
  for (const dtype of weightDTypes) if (await hasMemory({model, dtype})) await deleteMemory({model, dtype});
}
