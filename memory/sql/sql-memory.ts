// A store in a database that speaks SQL: PGlite in this process, or PostgreSQL for many. A table for each stream and layer,
// exact search below a number of rows and an index above it.

import {checkBatch, checkOrder, checkQuery, checkSelection} from '../check.js';
import {rowBytes} from '../row-block.js';
import type {
  MemoryBatch,
  MemoryFormat,
  MemoryHits,
  MemoryPart,
  MemoryQuery,
  MemorySelection,
  MemoryStats,
  MemoryStore,
  MemoryStoreOptions,
} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {SqlDatabase, SqlSession} from './database.js';
import {packRow, vectorText} from './numbers.js';
import type {Part} from './parts.js';
import {Parts, StalePart, storedRow, untilThere} from './parts.js';
import {newRowIndex} from './row-index.js';
import {searchPart} from './search.js';
import {readSnapshot} from './snapshot.js';
import type {Statements} from './statements.js';
import {UpdateOrder} from './update-order.js';

export interface SqlMemoryOptions extends MemoryStoreOptions {
  /** Rows of a stream and layer up to which every one is scored; beyond them an index finds the best, or nearly. */
  readonly exactRows: number;
}

/** Rows that left a table before the place that they took is freed. */
const VACUUM_ROWS = 4096;

export class SqlMemory implements MemoryStore {
  private readonly parts: Parts;
  private readonly order = new UpdateOrder();
  private readonly indexing = new Map<number, Promise<void>>();
  /** Rows from which an index that could not be made is tried again. */
  private readonly indexAt = new Map<number, number>();
  private readonly dead = new Map<number, number>();
  private isClosed = false;
  private closing: Promise<void> | undefined;
  private evicted = 0;
  private snapshots = 0;

  constructor(
    readonly format: MemoryFormat,
    private readonly database: SqlDatabase,
    private readonly statements: Statements,
    private readonly options: SqlMemoryOptions,
  ) {
    this.parts = new Parts(database, statements);
  }

  async append(batch: MemoryBatch): Promise<void> {
    this.refuseClosed();
    await this.order.ofStream(batch.stream, async () => {
      checkBatch('memory append', batch, this.format);
      if (batch.positions.length === 0) return;
      const part = await this.parts.with(batch.stream, batch.layer, known =>
        this.database.transaction(session => this.insert(session, batch, known)),
      );
      await this.tend(part);
    });
  }

  async search(query: MemoryQuery): Promise<MemoryHits> {
    this.refuseClosed();
    checkQuery('memory search', query, this.format);
    return this.parts.with(query.stream, query.layer, async part => {
      const hits = await searchPart(this.database, this.statements, this.format, part, query);
      if (part !== undefined && hits.positions.every(position => position < 0))
        await this.parts.refuseStale(part);
      return hits;
    });
  }

  async forget(selection: MemorySelection): Promise<number> {
    this.refuseClosed();
    return this.order.ofAll(async () => {
      checkSelection('memory forget', selection, this.format);
      const {forgotten, mayLeaveNames} = await untilThere('what is to be forgotten', () =>
        this.database.transaction(async session => {
          const older: number[] = [];
          const held = await this.parts.holdAll(session, selection);
          // Of a stream that is not there a forget that was killed, or an append that was refused, may have left the name.
          let [forgotten, mayLeaveNames] = [0, held.length === 0];
          for (const part of held) {
            const left = await this.forgetIn(session, part, selection, older);
            mayLeaveNames ||= left === part.rows;
            forgotten += left;
          }
          // Last: from here on searches of them wait.
          for (const part of older) await session.query(this.statements.drop(part));
          return {forgotten, mayLeaveNames};
        }),
      );
      if (mayLeaveNames) await this.parts.forgetNames();
      return forgotten;
    });
  }

  async *snapshot(selection: MemorySelection): AsyncGenerator<Required<MemoryBatch>> {
    this.refuseClosed();
    checkSelection('memory snapshot', selection, this.format);
    yield* readSnapshot(this.database, this.statements, this.format, this.parts, selection, this.snapshots++);
  }

  async stats(): Promise<MemoryStats> {
    this.refuseClosed();
    const parts: MemoryPart[] = [];
    for (const {stream, layer} of await this.parts.select(this.database, {streams: 'all'})) {
      const row = await this.parts.with(stream, layer, async part =>
        part === undefined
          ? undefined
          : (await this.database.query(this.statements.statistics(part.part))).rows[0],
      );
      if (row === undefined || Number(row.rows) === 0) continue;
      const [rows, first, last, innovation] = [row.rows, row.first, row.last, row.innovation].map(Number);
      parts.push({stream, layer, rows, first, last, innovation});
    }
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const {format, evicted} = this;
    return {format, parts, rows, bytes: rows * rowBytes(format), evicted, waiting: 0, late: 0};
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.closing ??= (async () => {
      await this.order.settled();
      await Promise.all(this.indexing.values());
      await this.database.close();
    })();
    return this.closing;
  }

  /** Makes the index of every part that is large enough and has none, and waits until all are there. */
  async indexed(): Promise<void> {
    await this.order.settled();
    for (const part of await this.parts.select(this.database, {streams: 'all'})) this.startIndex(part);
    await Promise.all(this.indexing.values());
  }

  private refuseClosed(): void {
    if (this.isClosed) throw new MemoryStoreError('closed', 'memory: the store is closed; open it again');
  }

  private async insert(session: SqlSession, batch: MemoryBatch, known: Part | undefined): Promise<Part> {
    const {statements, format, options} = this;
    const {stream, layer, positions, innovations, keys, values} = batch;
    const n = positions.length;
    const part = await this.parts.hold(session, known ?? (await this.parts.make(session, stream, layer)));
    const [{last}] = (await session.query(statements.last(part.part))).rows;
    checkOrder('memory append', batch, Number(last));
    const rows = [...positions.keys()];
    const tokens = batch.tokens ?? new Int32Array(n).fill(-1);
    const open = statements.vectors === 'arrays' ? '{' : '[';
    const {groups, width} = format;
    await session.query(statements.insert(part.part), [
      [...positions],
      [...innovations],
      [...tokens],
      rows.map(row => packRow(keys, values, row, format)),
      ...Array.from({length: groups}, (_, group) =>
        rows.map(row => vectorText(keys, (row * groups + group) * width, width, open)),
      ),
    ]);
    const leaving = Math.max(0, part.rows + n - (options.quota ?? Infinity));
    if (leaving > 0) await session.query(statements.evict(part.part), [leaving]);
    await session.query(
      `update bmojo_parts set rows = rows + $2::bigint, has_left = has_left or $3::boolean where part = $1::integer`,
      [part.part, n - leaving, leaving > 0],
    );
    this.evicted += leaving;
    this.dead.set(part.part, (this.dead.get(part.part) ?? 0) + leaving);
    return {...part, rows: part.rows + n - leaving};
  }

  /** What a table needs beside its rows: an index once it is large, its room freed once as many rows left as are there. */
  private async tend(part: Part): Promise<void> {
    const dead = this.dead.get(part.part) ?? 0;
    const isTurnedOver = dead >= part.rows + VACUUM_ROWS;
    if (isTurnedOver) {
      this.dead.delete(part.part);
      try {
        await this.database.query(this.statements.vacuum(part.part));
      } catch (error) {
        if (!(error instanceof MemoryStoreError)) throw error;
        // The rows are stored, whatever becomes of the room of others: the next update tries again.
        this.dead.set(part.part, dead);
      }
    }
    this.startIndex(part, isTurnedOver);
  }

  /** Makes the index of a part that is large enough; anew when it has twice the rows of then, or others in their place. */
  private startIndex(part: Part, isTurnedOver = false): void {
    if (part.index !== undefined && part.rows < 2 * part.index.rows && !isTurnedOver) return;
    if (part.rows <= (this.indexAt.get(part.part) ?? this.options.exactRows)) return;
    if (this.statements.mayIndex && !this.indexing.has(part.part))
      this.indexing.set(part.part, this.makeIndex(part));
  }

  /**
   * Beside searches, which use the older index or score every row until it is there, and drop that one last: only then do they
   * wait. Updates of the part wait for all of it.
   */
  private async makeIndex(part: Part): Promise<void> {
    const {statements} = this;
    try {
      await this.database.transaction(async session => {
        const held = await this.parts.hold(session, part);
        // Another process was first.
        if (held.index?.text !== part.index?.text) return;
        const older = (await session.query(statements.dropIndexes(part.part))).rows;
        const [{squares, last}] = (await session.query(statements.lengths(part.part))).rows;
        const index = newRowIndex(squares, held.rows);
        for (const statement of statements.makeIndex(part.part, index, Number(last)))
          await session.query(statement);
        for (const {text} of older) await session.query(String(text));
        await session.query('update bmojo_parts set index = $2::text where part = $1::integer', [
          part.part,
          index.text,
        ]);
      });
      this.parts.refresh(part);
    } catch (error) {
      if (!(error instanceof MemoryStoreError) && !(error instanceof StalePart)) throw error;
      // The table was replaced meanwhile, or there is no room: every row is scored, and it is tried again much later.
      this.indexAt.set(part.part, 2 * part.rows);
    } finally {
      this.indexing.delete(part.part);
    }
  }

  /** Takes rows out by writing a table without them. The `older` one is told: its bytes are gone once it is dropped. */
  private async forgetIn(
    session: SqlSession,
    part: Part,
    selection: MemorySelection,
    older: number[],
  ): Promise<number> {
    const {from = 0, before = 2 ** 31, where} = selection;
    const {stream, layer} = part;
    const {rows} = await session.query(this.statements.rows(part.part), [from, before]);
    const leaving = rows
      .map(row => storedRow({stream, layer}, row))
      .filter(row => where?.(row) ?? true)
      .map(({position}) => position);
    // What a quota drove out is in the table's file until that is written anew, wherever it stood.
    if (leaving.length === 0 && part.rows > 0 && !part.hasLeft) return 0;
    older.push(part.part);
    if (leaving.length === part.rows) {
      await this.parts.remove(session, part.part);
      return leaving.length;
    }
    const rest = await this.parts.replace(session, part);
    await session.query(this.statements.copyWithout(part.part, rest.part), [leaving]);
    await session.query('update bmojo_parts set rows = $2::bigint where part = $1::integer', [
      rest.part,
      part.rows - leaving.length,
    ]);
    return leaving.length;
  }
}
