// Stores in databases: the contract over PGlite and PostgreSQL, with pgvector and without it.

import {loadPackage} from '../../memory/places/load-package.js';
import {openPlace} from '../../memory/places/node.js';
import type {PgliteLike} from '../../memory/sql/database.js';
import {pgliteDatabase} from '../../memory/sql/database.js';
import {openSql} from '../../memory/sql/open.js';
import type {StorePlace} from './contract.js';
import {storeContract} from './contract.js';
import {hasPgvector, postgresAddress, requirePostgres, withSchema} from './postgres.js';

let schemas = 0;

describe('PGlite', () => {
  let pglite: PgliteLike;
  before(async () => {
    const {PGlite} = (await loadPackage('@electric-sql/pglite', 'PGlite')) as {
      PGlite: new (options: object) => PgliteLike;
    };
    const {vector} = await loadPackage('@electric-sql/pglite-pgvector', 'PGlite');
    pglite = new PGlite({extensions: {vector}});
    await pglite.query('create extension if not exists vector');
  });
  after(() => pglite.close());
  for (const vectors of ['pgvector', 'arrays'] as const)
    storeContract({
      name: `memory in PGlite with ${vectors}`,
      durable: true,
      place: async (): Promise<StorePlace> => {
        const schema = `test_${schemas++}`;
        await pglite.query(`create schema ${schema}`);
        await pglite.query(`set search_path to ${schema}, public`);
        return {
          open: (format, options) => {
            const database = {...pgliteDatabase(pglite), close: async () => {}};
            return openSql('PGlite', database, format, {...options, vectors});
          },
          remove: async () => {
            await pglite.query(`drop schema ${schema} cascade`);
          },
        };
      },
    });
});

const address = postgresAddress;
const isWithPgvector = address !== undefined && (await hasPgvector(address));

describe('PostgreSQL', () => {
  requirePostgres();
  if (address === undefined) return;
  if (!isWithPgvector)
    it('has pgvector', function () {
      console.log('      this PostgreSQL has no pgvector: PGlite alone tests the statements for it');
      this.skip();
    });
  for (const vectors of isWithPgvector ? (['pgvector', 'arrays'] as const) : (['arrays'] as const))
    storeContract({
      name: `memory in PostgreSQL with ${vectors}`,
      durable: true,
      place: async () => {
        const {place, remove} = await withSchema(address);
        return {open: (format, options) => openPlace(place, format, {...options, vectors}), remove};
      },
    });
});
