// The PostgreSQL of the tests: `node scripts/with-postgres.mjs npm test` starts one. On CI its absence fails.

import {randomBytes} from 'node:crypto';
import {loadPackage} from '../../memory/places/load-package.js';

interface Client {
  connect(): Promise<void>;
  query(text: string): Promise<{rows: Record<string, unknown>[]}>;
  end(): Promise<void>;
}

/** Where it listens; undefined where there is none. */
export const postgresAddress = process.env.BMOJO_POSTGRES;

/** A test, in the describe that it is called in, that says aloud when there is no server. */
export function requirePostgres(): void {
  it('is there', function () {
    if (postgresAddress !== undefined) return;
    if (process.env.CI === 'true')
      throw new Error(
        'no PostgreSQL: run node scripts/with-postgres.mjs npm test, with PostgreSQL installed',
      );
    console.log(
      '      BMOJO_POSTGRES is not set: PostgreSQL is not tested (node scripts/with-postgres.mjs npm test)',
    );
    this.skip();
  });
}

/** A connection of the package pg. */
export async function connect(place: string): Promise<Client> {
  const {Client} = (await loadPackage('pg', 'PostgreSQL')) as {Client: new (options: object) => Client};
  const client = new Client({connectionString: place});
  await client.connect();
  return client;
}

export async function hasPgvector(place: string): Promise<boolean> {
  const client = await connect(place);
  const {rows} = await client.query("select 1 from pg_available_extensions where name = 'vector'");
  await client.end();
  return rows.length > 0;
}

/** A place for tables of its own in a server. */
export async function withSchema(place: string): Promise<{place: string; remove(): Promise<void>}> {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const client = await connect(place);
  try {
    await client.query(`create schema ${schema}`);
    // Where the extension is, its types must be found from any schema.
    const {rows} = await client.query("select 1 from pg_available_extensions where name = 'vector'");
    if (rows.length > 0) await client.query('create extension if not exists vector');
  } finally {
    await client.end();
  }
  return {
    place: `${place}&options=${encodeURIComponent(`-csearch_path=${schema},public`)}`,
    remove: async () => {
      const last = await connect(place);
      await last.query(`drop schema ${schema} cascade`);
      await last.end();
    },
  };
}
