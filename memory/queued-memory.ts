// Updates that nobody waits for: a bounded queue before any store. What lands becomes visible at the next chunk border, so
// that all queries of a chunk see the same memory whenever they are asked.

import {checkBatch, checkQuery} from './check.js';
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

/** Options of {@link queuedMemory}, all of which may be left out. */
export interface QueueOptions {
  /** Updates under way at most; whoever appends more waits. Default 64. */
  readonly limit?: number;
}

/** What of one stream and layer is under way, and how far its queries see. */
interface Progress {
  /** First positions of batches that have not landed, oldest first. */
  readonly under: number[];
  /** The limit of the chunk that is asked about, and the positions below which everything had landed when it began. */
  chunk: number;
  landed: number;
}

const EVERYTHING = 2 ** 31 - 1;

/** A store whose updates are accepted at once and land later. */
export class QueuedMemory implements MemoryStore {
  private readonly progress = new Map<string, Progress>();
  private readonly waiting = new Set<Promise<void>>();
  /** Over once everything that was asked for so far was handed to the store. */
  private turn: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;
  private failure: unknown;
  private readonly limit: number;

  constructor(
    private readonly store: MemoryStore,
    {limit = 64}: QueueOptions = {},
  ) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new MemoryStoreError('argument', `memory queue: limit must be an integer from 1, got ${limit}`);
    this.limit = limit;
  }

  get format(): MemoryFormat {
    return this.store.format;
  }

  async append(batch: MemoryBatch): Promise<void> {
    this.refuseClosed();
    this.refuseFailed();
    checkBatch('memory append', batch, this.format);
    if (batch.positions.length === 0) return;
    const progress = this.progressOf(batch);
    const first = batch.positions[0];
    progress.under.push(first);
    // It had not landed when the chunk that is asked about began.
    progress.landed = Math.min(progress.landed, first);
    await this.inTurn(async () => {
      while (this.waiting.size >= this.limit) await Promise.race(this.waiting);
      this.refuseFailed();
      // The arrays are the caller's again from now on.
      const landing = this.land(copyOf(batch), progress, first);
      this.waiting.add(landing);
      landing.finally(() => this.waiting.delete(landing));
    });
  }

  async search(query: MemoryQuery): Promise<MemoryHits> {
    this.refuseClosed();
    checkQuery('memory search', query, this.format);
    const progress = this.progressOf(query);
    const before = query.before.map(limit => this.visible(progress, limit));
    return this.store.search({...query, before});
  }

  async forget(selection: MemorySelection): Promise<number> {
    this.refuseClosed();
    return this.inTurn(async () => {
      await Promise.all(this.waiting);
      this.refuseFailed();
      // A stream may go on from an earlier position then: its chunks begin anew.
      for (const progress of this.progress.values()) progress.chunk = -1;
      return this.store.forget(selection);
    });
  }

  async *snapshot(selection: MemorySelection): AsyncGenerator<Required<MemoryBatch>> {
    this.refuseClosed();
    await this.flush();
    yield* this.store.snapshot(selection);
  }

  async stats(): Promise<MemoryStats> {
    this.refuseClosed();
    return {...(await this.store.stats()), waiting: this.waiting.size};
  }

  /** Resolved once every update so far has landed. Errors: MemoryStoreError of the first that did not. */
  async flush(): Promise<void> {
    await this.landed();
    this.refuseFailed();
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      await this.landed();
      await this.store.close();
      this.refuseFailed();
    })();
    return this.closing;
  }

  private async landed(): Promise<void> {
    await this.turn;
    await Promise.all(this.waiting);
  }

  /** One after the other, in the order in which it was asked for. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  /** The limit of a query: rows below it have landed, and had when the first query of its chunk was asked. */
  private visible(progress: Progress, limit: number): number {
    if (limit > progress.chunk) {
      progress.chunk = limit;
      progress.landed = progress.under[0] ?? EVERYTHING;
    }
    return Math.min(limit, progress.landed);
  }

  private async land(batch: MemoryBatch, progress: Progress, first: number): Promise<void> {
    try {
      await this.store.append(batch);
    } catch (error) {
      // What follows of the stream would leave a gap: nothing more is accepted, and whoever calls next is told.
      this.failure ??= error;
      return;
    }
    progress.under.splice(progress.under.indexOf(first), 1);
  }

  private refuseClosed(): void {
    if (this.closing !== undefined)
      throw new MemoryStoreError('closed', 'memory: the store is closed; open it again');
  }

  private refuseFailed(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  private progressOf({stream, layer}: {stream: string; layer: number}): Progress {
    const key = `${layer} ${stream}`;
    let progress = this.progress.get(key);
    if (progress === undefined) {
      progress = {under: [], chunk: -1, landed: EVERYTHING};
      this.progress.set(key, progress);
    }
    return progress;
  }
}

function copyOf({stream, layer, positions, innovations, tokens, keys, values}: MemoryBatch): MemoryBatch {
  return {
    stream,
    layer,
    positions: positions.slice(),
    innovations: innovations.slice(),
    tokens: tokens?.slice(),
    keys: keys.slice(),
    values: values.slice(),
  };
}

/**
 * A store before which updates wait in a bounded queue: appending is over once the batch is accepted, and a search never waits
 * for it. Rows are seen from the next chunk border on after they landed: by queries whose limit is beyond all earlier ones of
 * their stream and layer. An update that fails is thrown at the next call of append, forget, flush or close.
 * Errors: MemoryStoreError for a limit that is no whole number from 1.
 */
export function queuedMemory(store: MemoryStore, options: QueueOptions = {}): QueuedMemory {
  return new QueuedMemory(store, options);
}
