// PostgreSQL by connection string (Node only), through the package pg.

import type {PgPoolLike} from '../sql/database.js';
import {poolDatabase} from '../sql/database.js';
import type {SqlOptions} from '../sql/open.js';
import {openSql} from '../sql/open.js';
import type {MemoryFormat, MemoryStore} from '../store.js';
import {loadPackage} from './load-package.js';

/** Connections of one process. */
const CONNECTIONS = 8;
const CONNECT_MS = 10_000;

interface PgPool extends PgPoolLike {
  on(event: 'error', listener: () => void): void;
  on(event: 'connect', listener: (client: {on(event: 'error', listener: () => void): void}) => void): void;
}
type PgPoolClass = new (options: object) => PgPool;

/** Errors: MemoryStoreError as of any store, and when the package is not installed or the server does not answer. */
export async function openPostgres(
  address: string,
  format: MemoryFormat | undefined,
  options: SqlOptions,
): Promise<MemoryStore> {
  const {Pool} = (await loadPackage('pg', 'PostgreSQL')) as {Pool: PgPoolClass};
  const pool = new Pool({
    connectionString: address,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'bmojo',
  });
  // A connection that is lost while nobody uses it: the next use makes another. Or while a snapshot keeps it: its next page says so.
  pool.on('error', () => {});
  pool.on('connect', client => client.on('error', () => {}));
  // The address may hold a password, so errors do not repeat it.
  return openSql('the database', poolDatabase(pool), format, options);
}
