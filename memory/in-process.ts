// A store in the process itself: exact, and as durable as the journal that it writes, if any.

import {checkBatch, checkFormat, checkOptions, checkQuery, checkSelection} from './check.js';
import type {SelectedRows} from './row-table.js';
import {RowTable} from './row-table.js';
import type {
  MemoryBatch,
  MemoryFormat,
  MemoryHits,
  MemoryQuery,
  MemorySelection,
  MemoryStats,
  MemoryStore,
  MemoryStoreOptions,
} from './store.js';
import {MemoryStoreError} from './store-error.js';

/** Where updates become durable before they are seen. */
export interface Journal {
  /** Resolved when the batch and what leaves for it are durable. Whatever it throws, nothing of them is. */
  append(batch: MemoryBatch, evicted: Int32Array): Promise<void>;
  /** Writes anew what holds rows that are not live. Whatever it throws, all is as it was. */
  rewrite(isLive: (stream: string, layer: number, position: number) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Rows that may have left and still take room in a journal, beside as many as are there. */
const SLACK = 4096;

/** A store in memory, with exact search. Without a journal it ends with the process. */
export class InProcessMemory implements MemoryStore {
  private updates: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;
  private evicted = 0;
  private tidyAt: number;

  constructor(
    readonly format: MemoryFormat,
    private readonly options: MemoryStoreOptions = {},
    private readonly journal?: Journal,
    private readonly table = new RowTable(format, options.rowSearch),
    /** Rows that left and that the journal still holds. */
    private garbage = 0,
  ) {
    checkFormat('memory', format);
    checkOptions('memory', options);
    this.tidyAt = table.rows + SLACK;
  }

  append(batch: MemoryBatch): Promise<void> {
    return this.update(async () => {
      checkBatch('memory append', batch, this.format);
      if (batch.positions.length === 0) return;
      const evicted = this.table.evictions('memory append', batch, this.options.quota);
      await this.journal?.append(batch, evicted);
      this.table.add(batch, evicted);
      this.evicted += evicted.length;
      this.garbage += evicted.length;
    }).then(() => this.tidy());
  }

  async search(query: MemoryQuery): Promise<MemoryHits> {
    this.refuseClosed();
    checkQuery('memory search', query, this.format);
    return this.table.search(query);
  }

  forget(selection: MemorySelection): Promise<number> {
    return this.update(async () => {
      checkSelection('memory forget', selection, this.format);
      const selected = this.table.select(selection).filter(({positions}) => positions.length > 0);
      // What a quota drove out may be among what is to be forgotten, and is written still.
      if (selected.length === 0 && this.garbage === 0) return 0;
      await this.journal?.rewrite(this.without(selected));
      this.garbage = 0;
      return this.table.remove(selected);
    });
  }

  async *snapshot(selection: MemorySelection): AsyncGenerator<Required<MemoryBatch>> {
    this.refuseClosed();
    checkSelection('memory snapshot', selection, this.format);
    yield* this.table.snapshot(selection);
  }

  async stats(): Promise<MemoryStats> {
    this.refuseClosed();
    const {format, evicted} = this;
    return {format, ...this.table.statistics(), evicted, waiting: 0, late: 0};
  }

  close(): Promise<void> {
    this.closing ??= this.updates.then(() => this.journal?.close());
    return this.closing;
  }

  private refuseClosed(): void {
    if (this.closing !== undefined)
      throw new MemoryStoreError('closed', 'memory: the store is closed; open it again');
  }

  /** One update after the other. */
  private async update<T>(work: () => Promise<T>): Promise<T> {
    this.refuseClosed();
    const done = this.updates.then(work);
    this.updates = done.catch(() => {});
    return done;
  }

  private without(selected: readonly SelectedRows[]) {
    const leaving = new Map<string, Set<number>>();
    for (const {stream, layer, positions} of selected) leaving.set(`${layer} ${stream}`, new Set(positions));
    return (stream: string, layer: number, position: number): boolean =>
      this.table.has(stream, layer, position) && leaving.get(`${layer} ${stream}`)?.has(position) !== true;
  }

  /** Frees what rows that left take of the journal once it is as much as what is there: a constant of work per row. */
  private tidy(): void {
    const {journal, table} = this;
    if (journal === undefined || this.garbage < this.tidyAt || this.closing !== undefined) return;
    this.garbage = 0;
    const live = (stream: string, layer: number, position: number) => table.has(stream, layer, position);
    this.updates = this.updates.then(async () => {
      try {
        await journal.rewrite(live);
        this.tidyAt = table.rows + SLACK;
      } catch {
        // Nothing is lost, and whoever appends is told what the disk says. It is tried again much later.
        this.tidyAt = 2 * (table.rows + SLACK);
      }
    });
  }
}
