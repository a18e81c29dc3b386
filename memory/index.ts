// Memory in storage: stores of keys and values that outgrow a layer. No tensor library, and no Node but behind its doors.

export type {OpenMemoryOptions} from './open.js';
export {memoryInProcess, openMemory} from './open.js';
export type {QueueOptions} from './queued-memory.js';
export {QueuedMemory, queuedMemory} from './queued-memory.js';
export type {PgliteLike} from './sql/database.js';
export type {
  KeepingKeySearch,
  KeptKeys,
  KeySearch,
  MemoryBatch,
  MemoryFormat,
  MemoryHits,
  MemoryPart,
  MemoryPrecision,
  MemoryQuery,
  MemoryRow,
  MemorySelection,
  MemoryStats,
  MemoryStore,
  MemoryStoreOptions,
  SearchedKeys,
} from './store.js';
export {NO_SCORE} from './store.js';
export type {MemoryRefusal} from './store-error.js';
export {MemoryStoreError} from './store-error.js';
export {timedMemory} from './timed-memory.js';
