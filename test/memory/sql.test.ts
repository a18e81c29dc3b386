// Stores in databases: the contract over PGlite and PostgreSQL, with pgvector and without it.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import {openMemory} from '../../memory/open.js';
import {loadPackage} from '../../memory/places/load-package.js';
import {openPlace} from '../../memory/places/node.js';
import type {PgliteLike, SqlDatabase} from '../../memory/sql/database.js';
import {pgliteDatabase} from '../../memory/sql/database.js';
import {openSql} from '../../memory/sql/open.js';
import {vectorKinds} from '../../memory/sql/statements.js';
import type {MemoryFormat} from '../../memory/store.js';
import type {StorePlace} from './contract.js';
import {refusal, storeContract} from './contract.js';
import {hasPgvector, postgresAddress, requirePostgres, withSchema} from './postgres.js';
import {batchOf, contents, expectedHits, queryOf, tinyFormat} from './rows.js';

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
  const withTables = async (): Promise<{database: SqlDatabase; remove(): Promise<void>}> => {
    const schema = `test_${schemas++}`;
    await pglite.query(`create schema ${schema}`);
    await pglite.query(`set search_path to ${schema}, public`);
    return {
      database: {...pgliteDatabase(pglite), close: async () => {}},
      remove: async () => {
        await pglite.query(`drop schema ${schema} cascade`);
      },
    };
  };
  for (const vectors of vectorKinds)
    storeContract({
      name: `memory in PGlite with ${vectors}`,
      durable: true,
      place: async (): Promise<StorePlace> => {
        const {database, remove} = await withTables();
        return {
          open: (format, options) => openSql('PGlite', database, format, {...options, vectors}),
          remove,
        };
      },
    });

  it('finds by an index beyond a number of rows, nearly what scoring every row finds', async () => {
    for (const [precision, vectors] of [
      ['f16', 'pgvector'],
      ['f16', 'pgvector-f32'],
      ['f32', 'pgvector'],
    ] as const) {
      const format: MemoryFormat = {...tinyFormat, precision};
      const {database, remove} = await withTables();
      const store = await openSql('PGlite', database, format, {exactRows: 150, quota: 1000, vectors});
      const batches = Array.from({length: 6}, (_, i) => spread(format, 200 * i, 200));
      for (const batch of batches.slice(0, 4)) await store.append(batch);
      await store.append({...batchOf(format, {stream: 'b', n: 100})});
      await store.indexed();
      // What came after the index was made, and what the quota drives out of it, are in it too.
      for (const batch of batches.slice(4)) await store.append(batch);
      const {rows} = await database.query('select stream, is_indexed, rows from bmojo_parts order by part');
      expect(rows.map(row => [row.is_indexed, Number(row.rows)])).to.deep.equal([
        [true, 1000],
        [false, 100],
      ]);
      const held = (await contents(store)).slice(0, 1);
      let [shared, wanted] = [0, 0];
      for (let seed = 0; seed < 20; seed++) {
        const query = {
          ...queryOf(format, {n: 2, count: 8}),
          queries: spread(format, seed, 2).keys,
          before: Int32Array.of(1200, 700),
        };
        const [hits, exact] = [await store.search(query), expectedHits(format, held, query)];
        for (let list = 0; list < 4; list++) {
          const best = new Set(exact.positions.subarray(8 * list, 8 * list + 8));
          const found = hits.positions.subarray(8 * list, 8 * list + 8);
          expect(found.every(position => position < query.before[list >> 1])).to.equal(true);
          shared += found.filter(position => best.has(position)).length;
          wanted += 8;
        }
      }
      expect(shared / wanted).to.be.above(0.95);
      // Forgetting writes the table anew; the next update has it indexed again.
      await store.forget({streams: ['a'], from: 900});
      await store.append(spread(format, 1200, 8));
      await store.indexed();
      const [first] = (await database.query("select is_indexed from bmojo_parts where stream = 'a'::bytea"))
        .rows;
      expect(first.is_indexed).to.equal(true);
      await store.close();
      await remove();
    }
  });

  it('makes the index of rows that were stored before one was wanted, once it is asked to', async () => {
    const {database, remove} = await withTables();
    const indexed = async (exactRows: number): Promise<unknown[]> => {
      const store = await openSql('PGlite', database, tinyFormat, {exactRows});
      if (exactRows > 40) await store.append(batchOf(tinyFormat, {n: 40}));
      await store.indexed();
      return (await database.query('select is_indexed from bmojo_parts')).rows.map(row => row.is_indexed);
    };
    expect(await indexed(100)).to.deep.equal([false]);
    expect(await indexed(39)).to.deep.equal([true]);
    await remove();
  });

  it('holds keys as it searches them fastest, and those of earlier memories as they are', async () => {
    const format: MemoryFormat = {...tinyFormat, precision: 'f16'};
    for (const [wanted, type] of [
      [undefined, 'vector'],
      ['pgvector', 'halfvec'],
    ] as const) {
      const {database, remove} = await withTables();
      const made = await openSql('PGlite', database, format, {vectors: wanted});
      await made.append(batchOf(format));
      const query = queryOf(format, {});
      const hits = await (await openSql('PGlite', database, undefined, {})).search(query);
      expect(hits).to.deep.equal(expectedHits(format, await contents(made), query));
      const {rows} = await database.query(
        `select format_type(atttypid, null) as type from pg_attribute
          where attrelid = 'bmojo_rows_1'::regclass and attname = 'key_0'`,
      );
      expect(rows).to.deep.equal([{type}]);
      await remove();
    }
  });

  it('is opened from an opened PGlite, and closed with the store', async () => {
    const {PGlite} = (await loadPackage('@electric-sql/pglite', 'PGlite')) as {PGlite: new () => PgliteLike};
    const own = new PGlite();
    const store = await openMemory(own, {format: tinyFormat});
    await store.append(batchOf(tinyFormat));
    expect(await contents(store)).to.deep.equal([batchOf(tinyFormat)]);
    await store.close();
    let isClosed = false;
    await own.query('select 1').catch(() => {
      isClosed = true;
    });
    expect(isClosed).to.equal(true);
  });

  it('in a folder has one process, and is opened again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-pglite-'));
    const place = `pglite:${join(folder, 'memory')}`;
    expect((await refusal(() => openMemory(place))).reason).to.equal('unavailable');
    const store = await openMemory(place, {format: tinyFormat});
    await store.append(batchOf(tinyFormat));
    expect((await refusal(() => openMemory(place))).reason).to.equal('busy');
    await store.close();
    const again = await openMemory(place);
    expect(await contents(again)).to.deep.equal([batchOf(tinyFormat)]);
    await again.close();
    rmSync(folder, {recursive: true});
  });

  it('with a pgvector that damages indexes is refused, with the remedy', async () => {
    const {database, remove} = await withTables();
    await (await openSql('PGlite', database, tinyFormat, {})).close();
    for (const [version, isSound] of Object.entries({
      '0.8.3': false,
      '0.7.9': false,
      '0.8.4': true,
      '0.10.0': true,
      '1.0': true,
    })) {
      const old: SqlDatabase = {
        ...database,
        query: async (text, values) =>
          text.includes('extversion') ? {rows: [{extversion: version}]} : database.query(text, values),
      };
      const open = async (): Promise<void> => (await openSql('PGlite', old, tinyFormat, {})).close();
      if (isSound) await open();
      else
        expect((await refusal(open)).message)
          .to.include(version)
          .and.include('0.8.4');
    }
    await remove();
  });

  it('a package that is not installed is named with the command that installs it', async () => {
    const {reason, message} = await refusal(() =>
      loadPackage('not-a-package-of-anybody', 'PGlite', ['one', 'two']),
    );
    expect(reason).to.equal('unavailable');
    expect(message).to.include('npm install one two');
  });
});

/** Rows whose keys lie apart: no two scores are equal. */
function spread(format: MemoryFormat, from: number, n: number) {
  const random = randomStream([3, 5], from);
  const batch = batchOf(format, {from, n, seed: from});
  const keys = batch.keys.map(() => Math.fround(Math.round(2048 * (2 * random.uniform() - 1)) / 2048));
  return {...batch, keys};
}

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
