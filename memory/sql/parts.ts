// Which table holds the rows of a stream and layer. Other processes may make, replace and drop tables at any time.

import {shown} from '../../errors/shown.js';
import type {MemoryRow, MemorySelection} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {SqlDatabase, SqlRow, SqlSession} from './database.js';
import {codeOf} from './database.js';
import type {RowIndex} from './row-index.js';
import {parseRowIndex} from './row-index.js';
import type {Statements} from './statements.js';
import {REWRITE_PARTS, SCHEMA_LOCK} from './statements.js';

export interface Part {
  readonly part: number;
  readonly stream: string;
  readonly layer: number;
  readonly rows: number;
  /** Whether a quota drove rows out since its table was written. */
  readonly hasLeft: boolean;
  readonly index: RowIndex | undefined;
}

const SELECT = 'select part, stream, layer, rows, has_left, index from bmojo_parts';

/** What the database says of a table that was dropped while it was about to be read. */
const GONE = new Set(['42P01', 'XX000']);
/** What it says where others use a table for longer than a statement was to wait. */
const LOCKED = '55P03';
/** Milliseconds between two attempts, in which others go on. */
const PAUSE = 100;
/** Times that something is tried that others are in the way of. */
const MOST_TRIES = 8;

export function bytesOfName(stream: string): Uint8Array {
  return new TextEncoder().encode(stream);
}

function partOf({part, stream, layer, rows, has_left: hasLeft, index}: SqlRow): Part {
  if (!(stream instanceof Uint8Array))
    throw new MemoryStoreError('damaged', 'memory: bmojo_parts holds a stream that is no bytes');
  return {
    part: Number(part),
    stream: new TextDecoder().decode(stream),
    layer: Number(layer),
    rows: Number(rows),
    hasLeft: hasLeft === true,
    index: index === null ? undefined : parseRowIndex(String(index)),
  };
}

export class Parts {
  private readonly known = new Map<string, Part>();

  constructor(
    private readonly database: SqlDatabase,
    private readonly statements: Statements,
  ) {}

  /**
   * Does something with the part of a stream and layer, which is undefined where there are no rows; again from the beginning
   * when its table has been replaced meanwhile. Errors: MemoryStoreError (`busy`) when that goes on.
   */
  with<T>(stream: string, layer: number, work: (part: Part | undefined) => Promise<T>): Promise<T> {
    const key = `${layer} ${stream}`;
    return untilThere(
      shown(stream),
      async () => work(this.known.get(key) ?? (await this.find(stream, layer))),
      () => this.known.delete(key),
    );
  }

  private async find(stream: string, layer: number): Promise<Part | undefined> {
    const values = [bytesOfName(stream), layer];
    const {rows} = await this.database.query(
      `${SELECT} where stream = $1::bytea and layer = $2::integer`,
      values,
    );
    if (rows.length === 0) return undefined;
    const part = partOf(rows[0]);
    this.known.set(`${layer} ${stream}`, part);
    return part;
  }

  /** Forgets what it knows of a part, such as whether it has an index. */
  refresh({stream, layer}: Part): void {
    this.known.delete(`${layer} ${stream}`);
  }

  /** Errors: StalePart when the part has been replaced, or its index made, since it was looked up. */
  async refuseStale({part, index}: Part): Promise<void> {
    const {rows} = await this.database.query(
      'select from bmojo_parts where part = $1::integer and index is not distinct from $2::text',
      [part, index?.text ?? null],
    );
    if (rows.length === 0) throw new StalePart();
  }

  /**
   * Makes the table of a stream and layer. Errors: StalePart where another process did: its rows may be held for as long as they
   * are written anew, and nobody waits for that with the lock of the schema.
   */
  async make(session: SqlSession, stream: string, layer: number): Promise<Part> {
    await session.query(SCHEMA_LOCK);
    const found = await session.query(
      'select from bmojo_parts where stream = $1::bytea and layer = $2::integer',
      [bytesOfName(stream), layer],
    );
    if (found.rows.length > 0) throw new StalePart();
    return this.create(session, stream, layer);
  }

  /**
   * Puts an empty table in the place of that of a part that is held. The old one is still read by searches: whoever drops it does
   * so last.
   */
  async replace(session: SqlSession, {part, stream, layer}: Part): Promise<Part> {
    await this.remove(session, part);
    return this.create(session, stream, layer);
  }

  /** Leaves a part that is held without a table; whoever drops that does so last. */
  async remove(session: SqlSession, part: number): Promise<void> {
    await session.query('delete from bmojo_parts where part = $1::integer', [part]);
  }

  /** Leaves nothing in the file of the table of parts of those that were removed; where others use it all the time, the next time. */
  async forgetNames(): Promise<void> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      try {
        await this.database.transaction(async session => {
          for (const statement of REWRITE_PARTS) await session.query(statement);
        });
        return;
      } catch (error) {
        if (!(error instanceof MemoryStoreError)) throw error;
        if (codeOf(error) !== LOCKED) return;
        await new Promise(resolve => setTimeout(resolve, PAUSE));
      }
    }
  }

  private async create(session: SqlSession, stream: string, layer: number): Promise<Part> {
    const {rows} = await session.query(
      `insert into bmojo_parts (stream, layer, has_left) values ($1::bytea, $2::integer, false)
        returning part, stream, layer, rows, has_left, index`,
      [bytesOfName(stream), layer],
    );
    const made = partOf(rows[0]);
    for (const statement of this.statements.create(made.part)) await session.query(statement);
    return made;
  }

  /** Holds a part against other writers until the transaction ends. Errors: StalePart when it has been replaced. */
  async hold(session: SqlSession, {part}: Part): Promise<Part> {
    const {rows} = await session.query(`${SELECT} where part = $1::integer for update`, [part]);
    if (rows.length === 0) throw new StalePart();
    return partOf(rows[0]);
  }

  /**
   * Holds the selected parts, and no others, against other writers until the transaction ends: in one order, so that two that
   * want the same never wait for each other. Errors: StalePart when one has been replaced since it was looked up.
   */
  async holdAll(session: SqlSession, selection: MemorySelection): Promise<Part[]> {
    const wanted = await this.select(session, selection);
    const {rows} = await session.query(
      `${SELECT} where part = any ($1::integer[]) order by stream, layer for update`,
      [wanted.map(({part}) => part)],
    );
    if (rows.length < wanted.length) throw new StalePart();
    return rows.map(partOf);
  }

  /** Parts by stream, in the order of its bytes, and layer. */
  async select(session: SqlSession, {streams, layer}: MemorySelection): Promise<Part[]> {
    const {rows} = await session.query(`${SELECT} order by stream, layer`);
    return rows
      .map(partOf)
      .filter(
        part => (streams === 'all' || streams.includes(part.stream)) && (layer ?? part.layer) === part.layer,
      );
  }
}

/**
 * Does something, again from the beginning when a table has been replaced meanwhile: `stale` is told each time. Errors:
 * MemoryStoreError (`busy`) when that goes on.
 */
export async function untilThere<T>(
  what: string,
  work: () => Promise<T>,
  stale: () => void = () => {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isStale = error instanceof StalePart;
      if (!isStale && !GONE.has(codeOf(error) ?? '')) throw error;
      stale();
      if (tries < MOST_TRIES) continue;
      if (!isStale) throw error;
      throw new MemoryStoreError(
        'busy',
        `memory: other processes write ${what} anew all the time; try again later`,
      );
    }
  }
}

/** A part whose table has been replaced or dropped since it was looked up. */
export class StalePart extends Error {}

/** What a row of a stream's and layer's table says beside its keys and values. */
export function storedRow(
  {stream, layer}: Pick<Part, 'stream' | 'layer'>,
  {position, innovation, token}: SqlRow,
): MemoryRow {
  return {stream, layer, position: Number(position), innovation: Number(innovation), token: Number(token)};
}
