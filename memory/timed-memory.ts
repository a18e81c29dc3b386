// Searches that nobody waits for too long: a deadline before any store. A token whose search is late goes on without memory.

import {emptyHits} from './exact-search.js';
import type {
  MemoryBatch,
  MemoryFormat,
  MemoryHits,
  MemoryQuery,
  MemorySelection,
  MemoryStats,
  MemoryStore,
} from './store.js';
import {MemoryStoreError} from './store-error.js';

/** Late searches that may still be running in the store; more would only make it later. */
const LATE_AT_ONCE = 4;
const LONGEST_TIMER = 2 ** 31 - 1;

/** A store whose searches end by a deadline. */
export class TimedMemory implements MemoryStore {
  private late = 0;
  private running = 0;

  constructor(
    private readonly store: MemoryStore,
    private readonly milliseconds: number,
  ) {
    if (!(milliseconds > 0 && milliseconds <= LONGEST_TIMER))
      throw new MemoryStoreError(
        'argument',
        `memory deadline: must be milliseconds in (0, ${LONGEST_TIMER}], got ${milliseconds}`,
      );
  }

  get format(): MemoryFormat {
    return this.store.format;
  }

  append(batch: MemoryBatch): Promise<void> {
    return this.store.append(batch);
  }

  async search(query: MemoryQuery): Promise<MemoryHits> {
    if (this.running >= LATE_AT_ONCE) return this.without(query);
    const search = this.store.search(query);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<undefined>(resolve => {
      timer = setTimeout(() => resolve(undefined), this.milliseconds);
    });
    try {
      const hits = await Promise.race([search, deadline]);
      if (hits !== undefined) return hits;
    } finally {
      clearTimeout(timer);
    }
    this.running++;
    const end = (): void => {
      this.running--;
    };
    // Whatever it still says, the token has gone on.
    search.then(end, end);
    return this.without(query);
  }

  forget(selection: MemorySelection): Promise<number> {
    return this.store.forget(selection);
  }

  snapshot(selection: MemorySelection): AsyncIterable<Required<MemoryBatch>> {
    return this.store.snapshot(selection);
  }

  async stats(): Promise<MemoryStats> {
    return {...(await this.store.stats()), late: this.late};
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private without({before, count}: MemoryQuery): MemoryHits {
    this.late++;
    return emptyHits(this.format, before.length, count);
  }
}

/**
 * A store whose searches find nothing when they take longer than that many milliseconds: the token goes on without memory, and
 * `late` of the statistics counts it. A store that fails in time still throws. Errors: MemoryStoreError for a time that is none.
 */
export function timedMemory(store: MemoryStore, milliseconds: number): MemoryStore {
  return new TimedMemory(store, milliseconds);
}
