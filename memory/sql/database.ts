// What a store needs of a database: the little that PGlite and a pool of the package pg have in common, under one name.

import {MemoryStoreError} from '../store-error.js';
import {PROBES} from './row-index.js';
import type {VectorKind} from './statements.js';

export type SqlRow = Record<string, unknown>;

/** One place where statements run, with values bound to $1, $2, ...; never part of the text. */
export interface SqlSession {
  query(text: string, values?: unknown[]): Promise<{rows: SqlRow[]}>;
}

/** A database as a store sees it. */
export interface SqlDatabase extends SqlSession {
  /** How it searches keys best, where it has pgvector. */
  readonly pgvector: Exclude<VectorKind, 'arrays'>;
  /** All of what `work` does, or nothing where it throws. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** A session that keeps its temporary tables until it is released. */
  reserve(): Promise<{session: SqlDatabase; release(): void}>;
  close(): Promise<void>;
}

/** An opened PGlite, as far as a store needs it. */
export interface PgliteLike {
  query(text: string, values?: unknown[]): Promise<{rows: unknown[]}>;
  transaction<T>(work: (session: PgliteSession) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface PgliteSession {
  query(text: string, values?: unknown[]): Promise<{rows: unknown[]}>;
}

/** A pool of the package pg, as far as a store needs it. */
export interface PgPoolLike {
  connect(): Promise<PgClientLike>;
  end(): Promise<void>;
}

interface PgClientLike {
  query(text: string, values?: unknown[]): Promise<{rows: unknown[]}>;
  release(error?: Error | boolean): void;
}

function rowsOf(rows: readonly unknown[]): SqlRow[] {
  return rows.map(row => Object.fromEntries(Object.entries(row ?? {})));
}

/**
 * Run once in each session: an index goes on until it has found enough rows that are seen; and whoever waited for a lock sees what
 * was written meanwhile, whatever the server's default is.
 */
const PREPARE = `select set_config('ivfflat.iterative_scan', 'relaxed_order', false),
  set_config('ivfflat.probes', '${PROBES}', false),
  set_config('default_transaction_isolation', 'read committed', false)`;

/** PGlite has one session, in which one thing happens after the other. */
export function pgliteDatabase(pglite: PgliteLike): SqlDatabase {
  const prepared = pglite.query(PREPARE);
  // Whoever asks first is told.
  prepared.catch(() => {});
  const sessionOf = (one: PgliteSession): SqlSession => ({
    query: (text, values) =>
      told(async () => {
        await prepared;
        return {rows: rowsOf((await one.query(text, values)).rows)};
      }),
  });
  const database: SqlDatabase = {
    ...sessionOf(pglite),
    pgvector: 'pgvector-f32',
    transaction: work => told(() => pglite.transaction(session => work(sessionOf(session)))),
    reserve: async () => ({session: database, release: () => {}}),
    close: () => told(() => pglite.close()),
  };
  return database;
}

/** Each connection is made ready once, before anything else. */
export function poolDatabase(pool: PgPoolLike): SqlDatabase {
  const prepared = new WeakSet<PgClientLike>();
  const connect = async (): Promise<PgClientLike> => {
    const client = await pool.connect();
    if (prepared.has(client)) return client;
    try {
      await client.query(PREPARE);
      prepared.add(client);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  };
  const sessionOf = (client: PgClientLike): SqlSession => ({
    query: (text, values) => told(async () => ({rows: rowsOf((await client.query(text, values)).rows)})),
  });
  const withClient = <T>(work: (client: PgClientLike) => Promise<T>): Promise<T> =>
    told(async () => {
      const client = await connect();
      try {
        const result = await work(client);
        client.release();
        return result;
      } catch (error) {
        client.release(!(await isRolledBack(client)));
        throw error;
      }
    });
  const transactionIn = async <T>(
    client: PgClientLike,
    work: (session: SqlSession) => Promise<T>,
  ): Promise<T> => {
    await client.query('begin');
    const result = await work(sessionOf(client));
    await client.query('commit');
    return result;
  };
  return {
    pgvector: 'pgvector',
    query: (text, values) => withClient(client => sessionOf(client).query(text, values)),
    transaction: work => withClient(client => transactionIn(client, work)),
    reserve: () =>
      told(async () => {
        const client = await connect();
        const session: SqlDatabase = {
          ...sessionOf(client),
          pgvector: 'pgvector',
          transaction: work =>
            told(async () => {
              try {
                return await transactionIn(client, work);
              } catch (error) {
                await isRolledBack(client);
                throw error;
              }
            }),
          reserve: () => Promise.reject(new Error('a reserved session is reserved already')),
          close: () => Promise.reject(new Error('a reserved session is released, not closed')),
        };
        return {session, release: () => client.release(true)};
      }),
    close: () => told(() => pool.end()),
  };
}

/** Whether a connection can be used again after something in it failed. */
async function isRolledBack(client: PgClientLike): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}

/** Class of SQLSTATE: insufficient resources, but for connections: there is room for rows where those are all taken. */
const FULL = /^53(?!300)/;

/** The SQLSTATE of what a database refused, or the system's code of a connection that failed. */
export function codeOf(error: unknown): string | undefined {
  const cause = error instanceof MemoryStoreError ? error.cause : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** Does it, with what the database refused as errors of a store. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    const isLost =
      error instanceof Error && /Connection terminated|timeout exceeded|not queryable/i.test(error.message);
    if (error instanceof MemoryStoreError || !(error instanceof Error) || (code === undefined && !isLost))
      throw error;
    // Of several addresses that were tried the error says nothing itself.
    const words =
      error.message === '' && error instanceof AggregateError ? String(error.errors[0]) : error.message;
    if (code !== undefined && FULL.test(code))
      throw new MemoryStoreError(
        'full',
        `the database has no room: ${words}; nothing of what was asked for is done`,
        {
          cause: error,
        },
      );
    throw new MemoryStoreError(
      'unavailable',
      `the database refused (${code ?? 'connection lost'}): ${words}`,
      {
        cause: error,
      },
    );
  }
}
