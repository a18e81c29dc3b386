// A store in a database that is there: its tables are made where there are none, and compared with what is asked for.

import {shown} from '../../errors/shown.js';
import {isCount, isRecord, parseJson} from '../../formats/json-text.js';
import {parseFormat, refuseOtherFormat} from '../check.js';
import type {MemoryFormat, MemoryStoreOptions} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {SqlDatabase, SqlSession} from './database.js';
import {codeOf} from './database.js';
import {SqlMemory} from './sql-memory.js';
import type {VectorKind} from './statements.js';
import {SCHEMA, SCHEMA_LOCK, Statements, UPGRADES, vectorKinds} from './statements.js';

const VERSION = 3;
/** Older ones could damage an index when rows leave it, which a quota makes them do all the time. */
const SOUND_PGVECTOR = [0, 8, 4];

export interface SqlOptions extends MemoryStoreOptions {
  /** Rows of a stream and layer up to which every one is scored. Default 10,000. */
  readonly exactRows?: number;
  /** Default: pgvector as the database likes it best, where it has it. */
  readonly vectors?: VectorKind;
}

/** Opens the store of a database, which is closed with it. `where` names it in errors. */
export async function openSql(
  where: string,
  database: SqlDatabase,
  format: MemoryFormat | undefined,
  {exactRows = 10_000, vectors, ...options}: SqlOptions,
): Promise<SqlMemory> {
  try {
    const found = await database.transaction(session =>
      begin(where, session, {format, vectors, pgvector: database.pgvector}),
    );
    const statements = new Statements(found.format, found.vectors);
    if (found.vectors !== 'arrays') await refuseUnsound(where, database);
    return new SqlMemory(found.format, database, statements, {...options, exactRows});
  } catch (error) {
    await database.close();
    throw error;
  }
}

export interface Found {
  readonly format: MemoryFormat;
  readonly vectors: VectorKind;
}

/** What tables are made of where there are none. */
type Wanted = Pick<SqlOptions, 'vectors'> & Pick<SqlDatabase, 'pgvector'> & {readonly format?: MemoryFormat};

async function begin(
  where: string,
  session: SqlSession,
  {format, vectors: wanted, pgvector}: Wanted,
): Promise<Found> {
  await session.query(SCHEMA_LOCK);
  const table = await session.query("select to_regclass('bmojo_memory') is not null as there");
  if (table.rows[0].there !== true) {
    if (format === undefined)
      throw new MemoryStoreError('unavailable', `${where} holds no memory: it has no table bmojo_memory`);
    const vectors = wanted ?? ((await hasPgvector(session)) ? pgvector : 'arrays');
    for (const statement of SCHEMA) await session.query(statement);
    await session.query(
      'insert into bmojo_memory (version, format, vectors) values ($1::integer, $2::text, $3::text)',
      [VERSION, JSON.stringify(format), vectors],
    );
    return {format, vectors};
  }
  const {rows} = await session.query('select version, format, vectors from bmojo_memory');
  const found = parseMemoryRow(where, rows[0] ?? {});
  if (format !== undefined) refuseOtherFormat(where, found.format, format);
  const version = Number(rows[0].version);
  if (version < VERSION) await upgrade(session, version);
  return found;
}

async function upgrade(session: SqlSession, version: number): Promise<void> {
  for (let from = version; from < VERSION; from++)
    for (const statement of UPGRADES[from]) await session.query(statement);
  await session.query('update bmojo_memory set version = $1::integer', [VERSION]);
}

/** What bmojo_memory holds. Errors: MemoryStoreError for what no store wrote. */
export function parseMemoryRow(
  where: string,
  {version, format: text, vectors}: Record<string, unknown>,
): Found {
  const fail = (what: string): never => {
    throw new MemoryStoreError('damaged', `${where}: bmojo_memory ${what}`);
  };
  if (!(isCount(version) && version >= 1 && version <= VERSION))
    fail(`is of version ${version}, this bmojo reads versions 1 to ${VERSION}; update it`);
  const kind = vectorKinds.find(one => one === vectors) ?? fail('names no kind of vectors');
  const value = parseJson(String(text), fail);
  if (!isRecord(value)) return fail(`must hold a format, got ${shown(value)}`);
  return {format: parseFormat(where, value), vectors: kind};
}

/** Whether the database has the extension, which is made where that is possible. */
async function hasPgvector(session: SqlSession): Promise<boolean> {
  const {rows} = await session.query(
    "select installed_version from pg_available_extensions where name = 'vector'",
  );
  if (rows.length === 0) return false;
  if (rows[0].installed_version !== null) return true;
  await session.query('savepoint extension');
  try {
    await session.query('create extension if not exists vector');
    return true;
  } catch (error) {
    // Only some users may.
    if (codeOf(error) !== '42501') throw error;
    await session.query('rollback to savepoint extension');
    return false;
  }
}

async function refuseUnsound(where: string, session: SqlSession): Promise<void> {
  const {rows} = await session.query("select extversion from pg_extension where extname = 'vector'");
  const version = String(rows[0]?.extversion ?? '0');
  const numbers = version.split('.').map(Number);
  const at = SOUND_PGVECTOR.findIndex((least, i) => (numbers[i] ?? 0) !== least);
  if (at < 0 || (numbers[at] ?? 0) > SOUND_PGVECTOR[at]) return;
  throw new MemoryStoreError(
    'unavailable',
    `${where} has pgvector ${version}, whose indexes rows that leave may damage; ` +
      `update it to ${SOUND_PGVECTOR.join('.')} or later (alter extension vector update)`,
  );
}
