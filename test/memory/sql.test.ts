// Stores in databases: the contract over PGlite and PostgreSQL, with pgvector and without it.

import {mkdirSync, mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import {openMemory} from '../../memory/open.js';
import {loadPackage} from '../../memory/places/load-package.js';
import {openPlace} from '../../memory/places/node.js';
import type {PgliteLike, SqlDatabase} from '../../memory/sql/database.js';
import {pgliteDatabase, poolDatabase} from '../../memory/sql/database.js';
import type {SqlOptions} from '../../memory/sql/open.js';
import {openSql} from '../../memory/sql/open.js';
import {parseRowIndex} from '../../memory/sql/row-index.js';
import {Statements, vectorKinds} from '../../memory/sql/statements.js';
import type {MemoryFormat} from '../../memory/store.js';
import {MemoryStoreError} from '../../memory/store-error.js';
import {bmojo} from '../support/command.js';
import type {StorePlace} from './contract.js';
import {refusal, storeContract} from './contract.js';
import type {PgliteProtocol} from './pglite-socket.js';
import {withSocket} from './pglite-socket.js';
import {connect, hasPgvector, postgresAddress, requirePostgres, withSchema} from './postgres.js';
import {batchOf, contents, expectedHits, queryOf, tinyFormat} from './rows.js';

let schemas = 0;

describe('PGlite', () => {
  let pglite: PgliteLike & PgliteProtocol;
  before(async () => {
    const {PGlite} = (await loadPackage('@electric-sql/pglite', 'PGlite')) as {
      PGlite: new (options: object) => PgliteLike & PgliteProtocol;
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

  describe('behind a socket', () => {
    let server: Awaited<ReturnType<typeof withSocket>>;
    before(async function () {
      if (process.platform === 'win32') this.skip();
      server = await withSocket(pglite);
    });
    after(() => server?.close());
    const open = (format: MemoryFormat | undefined, options: SqlOptions = {}) =>
      openPlace(server.address, format, options);
    storeContract({
      name: 'memory in PostgreSQL with pgvector, behind a socket',
      durable: true,
      place: async () => ({open, remove: (await withTables()).remove}),
    });

    it('holds halves in columns of halves, and finds by their index', async () => {
      const format: MemoryFormat = {...tinyFormat, precision: 'f16'};
      const {database, remove} = await withTables();
      const batches = [batchOf(format, {n: 40}), batchOf(format, {from: 40, n: 4, seed: 9})];
      const writer = await open(format, {exactRows: 30});
      for (const batch of batches) await writer.append(batch);
      await writer.close();
      const {rows} = await database.query('select vectors, index from bmojo_memory, bmojo_parts');
      expect(rows[0].vectors).to.equal('pgvector');
      expect(parseRowIndex(String(rows[0].index)).rows).to.be.at.least(40);
      const reader = await open(undefined);
      const query = queryOf(format, {});
      expect(await reader.search(query)).to.deep.equal(expectedHits(format, batches, query));
      await reader.close();
      await remove();
    });
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
      const {rows} = await database.query(
        'select index is not null as is_indexed, rows from bmojo_parts order by part',
      );
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
      const [first] = (
        await database.query(
          "select index is not null as is_indexed from bmojo_parts where stream = 'a'::bytea",
        )
      ).rows;
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
      return (await database.query('select index is not null as is_indexed from bmojo_parts')).rows.map(
        row => row.is_indexed,
      );
    };
    expect(await indexed(100)).to.deep.equal([false]);
    expect(await indexed(39)).to.deep.equal([true]);
    await remove();
  });

  /** Keys that share a large mean, as trained ones do, and queries that point away from it. */
  const shifted = (format: MemoryFormat, from: number, n: number) => {
    const batch = spread(format, from, n);
    return {...batch, keys: batch.keys.map((key, i) => key * (1 + (i % 3)) + 8)};
  };
  const away = (format: MemoryFormat, seed: number, n: number): Float32Array =>
    spread(format, seed, n).keys.map(number => number - 1.5);

  /** Plans without an index cost more than any with one: few rows would be read one by one. */
  const indexAlone = (database: SqlDatabase) =>
    database.query(
      "select set_config('enable_seqscan', 'off', false), set_config('enable_sort', 'off', false)",
    );

  it('an index finds what queries far from the mean of the keys look for', async () => {
    const format: MemoryFormat = {...tinyFormat, precision: 'f16'};
    const {database, remove} = await withTables();
    const store = await openSql('PGlite', database, format, {exactRows: 1000});
    for (let from = 0; from < 4000; from += 500) await store.append(shifted(format, from, 500));
    await store.indexed();
    await indexAlone(database);
    const held = await contents(store);
    let [shared, wanted] = [0, 0];
    for (let seed = 0; seed < 10; seed++) {
      const query = {...queryOf(format, {n: 2, count: 8, before: 4000}), queries: away(format, seed, 2)};
      const [hits, exact] = [await store.search(query), expectedHits(format, held, query)];
      for (let list = 0; list < 4; list++) {
        const best = new Set(exact.positions.subarray(8 * list, 8 * list + 8));
        shared += hits.positions.subarray(8 * list, 8 * list + 8).filter(at => best.has(at)).length;
        wanted += 8;
      }
    }
    expect(shared / wanted).to.be.within(0.9, 1);
    const {rows} = await database.query('select index from bmojo_parts');
    const text = new Statements(format, 'pgvector-f32').search(1, parseRowIndex(String(rows[0].index)));
    const vector = `[${new Float32Array(format.width + 1).join(',')}]`;
    const plan = await database.query(`explain ${text}`, [[0], [4000], 8, rows[0].index, [vector], [vector]]);
    const lines = plan.rows.map(row => String(row['QUERY PLAN'])).join('\n');
    for (const group of [0, 1]) expect(lines).to.include(`Index Scan using bmojo_rows_1_key_${group}_`);
    await database.query(
      "select set_config('enable_seqscan', 'on', false), set_config('enable_sort', 'on', false)",
    );
    await remove();
  });

  it('an index that another process made is used, and a search through an older one is asked anew', async () => {
    const {database, remove} = await withTables();
    const [one, other] = [
      await openSql('PGlite', database, tinyFormat, {exactRows: 1000}),
      await openSql('PGlite', database, tinyFormat, {exactRows: 30}),
    ];
    const query = queryOf(tinyFormat, {});
    await one.append(batchOf(tinyFormat, {n: 40}));
    const exact = expectedHits(tinyFormat, [batchOf(tinyFormat, {n: 40})], query);
    expect(await one.search(query)).to.deep.equal(exact);
    await other.indexed();
    const asked: string[] = [];
    const watched: SqlDatabase = {
      ...database,
      query: (text, values) => {
        if (text.includes('<->')) asked.push(text);
        return database.query(text, values);
      },
    };
    const third = await openSql('PGlite', watched, tinyFormat, {exactRows: 1000});
    expect(await third.search(query)).to.deep.equal(exact);
    expect(asked).to.have.length(1);
    // With twice the rows it is made anew, of other means.
    await other.append(batchOf(tinyFormat, {from: 40, n: 50, seed: 9}));
    await other.indexed();
    const all = [batchOf(tinyFormat, {n: 40}), batchOf(tinyFormat, {from: 40, n: 50, seed: 9})];
    expect(await third.search(query)).to.deep.equal(expectedHits(tinyFormat, all, query));
    expect(new Set(asked)).to.have.length(2);
    expect(asked).to.have.length(3);
    expect(await one.search(query)).to.deep.equal(expectedHits(tinyFormat, all, query));
    await remove();
  });

  it('a memory of version 1 is brought up to date when it is opened, one of a later version refused', async () => {
    const {database, remove} = await withTables();
    const before = await openSql('PGlite', database, tinyFormat, {});
    await before.append(batchOf(tinyFormat, {n: 40}));
    for (const text of [
      'alter table bmojo_parts drop column has_left',
      'alter table bmojo_parts drop column index',
      'alter table bmojo_parts add column is_indexed boolean not null default false',
      'update bmojo_parts set is_indexed = true',
      'create index bmojo_rows_1_key_0 on bmojo_rows_1 using hnsw (key_0 vector_ip_ops)',
      'create index bmojo_rows_1_key_1 on bmojo_rows_1 using hnsw (key_1 vector_ip_ops)',
      'update bmojo_memory set version = 1',
    ])
      await database.query(text);
    const store = await openSql('PGlite', database, tinyFormat, {exactRows: 41});
    const query = queryOf(tinyFormat, {});
    const old = batchOf(tinyFormat, {n: 40});
    expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, [old], query));
    const more = batchOf(tinyFormat, {from: 40, n: 2});
    await store.append(more);
    await store.indexed();
    const {rows} = await database.query(
      "select indexdef from pg_indexes where indexname like 'bmojo_rows_1_key%' order by indexname",
    );
    expect(rows).to.have.length(2);
    for (const {indexdef} of rows) expect(indexdef).to.include('ivfflat').and.include('inner_product');
    expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, [old, more], query));
    const again = await openSql('PGlite', database, tinyFormat, {exactRows: 41});
    expect(await again.search(query)).to.deep.equal(expectedHits(tinyFormat, [old, more], query));
    await database.query('update bmojo_memory set version = 4');
    const {reason, message} = await refusal(() => openSql('PGlite', database, tinyFormat, {}));
    expect(reason).to.equal('damaged');
    expect(message).to.include('version 4').and.include('versions 1 to 3');
    await remove();
  });

  it('what a quota drove out of a range is gone from the tables once the range is forgotten', async () => {
    const {database, remove} = await withTables();
    const secret = Float32Array.of(0.123_456_78);
    const text = Buffer.from(secret.buffer).toString('hex');
    const isThere = async (): Promise<boolean> => {
      await database.query('checkpoint');
      const {rows} = await database.query(
        `select encode(pg_read_binary_file(pg_relation_filepath(oid)), 'hex') as bytes from pg_class
          where relname like 'bmojo\\_rows%' and relkind = 'r' and relnamespace = current_schema()::regnamespace`,
      );
      expect(rows).to.have.length(2);
      return rows.some(({bytes}) => String(bytes).includes(text));
    };
    const store = await openSql('PGlite', database, tinyFormat, {quota: 4});
    const first = batchOf(tinyFormat, {n: 4});
    await store.append({...first, innovations: new Float32Array(4), keys: first.keys.fill(secret[0])});
    const second = batchOf(tinyFormat, {from: 4, n: 4});
    await store.append({...second, innovations: new Float32Array(4).fill(1)});
    await store.append(batchOf(tinyFormat, {stream: 'b', n: 2}));
    expect(await isThere()).to.equal(true);
    const tables = async (): Promise<unknown[]> =>
      (await database.query('select part from bmojo_parts order by stream')).rows.map(({part}) => part);
    expect(await tables()).to.deep.equal([1, 2]);
    expect(await store.forget({streams: ['b'], before: 0})).to.equal(0);
    expect(await isThere()).to.equal(true);
    expect(await store.forget({streams: 'all', before: 4, from: 2})).to.equal(0);
    expect(await isThere()).to.equal(false);
    // A table from which no row left is not written anew, and neither is one that has been.
    expect(await tables()).to.deep.equal([3, 2]);
    expect(await store.forget({streams: 'all', before: 4, from: 2})).to.equal(0);
    expect(await tables()).to.deep.equal([3, 2]);
    expect((await store.stats()).rows).to.equal(6);
    // Of a memory of version 2 nobody knows.
    for (const older of [
      'alter table bmojo_parts drop column has_left',
      'update bmojo_memory set version = 2',
    ])
      await database.query(older);
    const again = await openSql('PGlite', database, tinyFormat, {quota: 4});
    expect(await again.forget({streams: ['a'], before: 4})).to.equal(0);
    expect(await tables()).to.deep.equal([4, 2]);
    // A process of version 2 that has the memory open still makes parts, and does not note what leaves them.
    await database.query(`insert into bmojo_parts (stream, layer) values ('old', 1)`);
    await again.append(batchOf(tinyFormat, {stream: 'new', n: 2}));
    const {rows: noted} = await database.query(
      `select has_left from bmojo_parts where part > 4 order by part`,
    );
    expect(noted.map(row => row.has_left)).to.deep.equal([true, false]);
    await remove();
  });

  it('an index is made of numbers alone, whatever the table says', () => {
    const good = {squares: [2, 0.5], rows: 7};
    expect(parseRowIndex(JSON.stringify(good))).to.deep.include(good);
    for (const bad of [
      {...good, squares: ['2); drop table bmojo_parts; --']},
      {...good, squares: 2},
      {...good, squares: ['2']},
      {...good, squares: [0]},
      {...good, rows: -1},
      [],
    ])
      expect(() => parseRowIndex(JSON.stringify(bad)), JSON.stringify(bad)).to.throw(MemoryStoreError);
    expect(() => parseRowIndex('{')).to.throw(MemoryStoreError);
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

  it('in a folder has one process, keeps it from other users, and is opened again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-pglite-'));
    mkdirSync(join(folder, 'memory'), {mode: 0o755});
    const place = `pglite:${join(folder, 'memory')}`;
    expect((await refusal(() => openMemory(place))).reason).to.equal('unavailable');
    const store = await openMemory(place, {format: tinyFormat});
    await store.append(batchOf(tinyFormat));
    expect((await refusal(() => openMemory(place))).reason).to.equal('busy');
    expect(statSync(join(folder, 'memory')).mode & 0o777).to.equal(0o700);
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

  it('rows are stored whatever becomes of the room of those that left', async () => {
    const format: MemoryFormat = {...tinyFormat, groups: 1, width: 1};
    const {database, remove} = await withTables();
    let freed = 0;
    const full: SqlDatabase = {
      ...database,
      query: async (text, values) => {
        if (text.startsWith('vacuum') && freed++ === 0) throw new MemoryStoreError('unavailable', 'no room');
        return database.query(text, values);
      },
    };
    const store = await openSql('PGlite', full, format, {quota: 8});
    for (let from = 0; from < 8000; from += 2000) await store.append(batchOf(format, {from, n: 2000}));
    expect([(await store.stats()).rows, freed]).to.deep.equal([8, 2]);
    await remove();
  });

  it('what other processes write anew is looked up again, and refused only where that never ends', async () => {
    const {database, remove} = await withTables();
    let stale = 0;
    const busy: SqlDatabase = {
      ...database,
      transaction: work =>
        database.transaction(session =>
          work({
            query: async (text, values) =>
              text.endsWith('for update') && stale-- > 0 ? {rows: []} : session.query(text, values),
          }),
        ),
    };
    const store = await openSql('PGlite', busy, tinyFormat, {});
    await store.append(batchOf(tinyFormat));
    stale = 3;
    await store.append(batchOf(tinyFormat, {from: 16}));
    expect((await store.stats()).rows).to.equal(32);
    stale = 100;
    const {reason, message} = await refusal(() => store.append(batchOf(tinyFormat, {from: 32})));
    expect([reason, message]).to.deep.equal([
      'busy',
      'memory: other processes write "a" anew all the time; try again later',
    ]);
    await remove();
  });

  it('a database without room is full, one without a free connection is not there', async () => {
    for (const [code, reason] of [
      ['53100', 'full'],
      ['53300', 'unavailable'],
    ]) {
      const database = poolDatabase({
        connect: () => Promise.reject(Object.assign(new Error('refused'), {code})),
        end: async () => {},
      });
      const refused = await refusal(() => openSql('the database', database, tinyFormat, {}));
      expect(refused.reason).to.equal(reason);
    }
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
      console.log(
        '      this PostgreSQL has no pgvector: PGlite tests the statements for it, behind a socket too',
      );
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

  it('bmojo memory search ends, though it reads one row of a snapshot', async () => {
    const {place, remove} = await withSchema(address);
    const store = await openMemory(place, {format: tinyFormat});
    await store.append(batchOf(tinyFormat));
    await store.close();
    const args = ['--memory', place, '--stream', 'a', '--layer', '1', '--like', '9'];
    const {code, out, err} = await bmojo(['memory', 'search', ...args]);
    expect([code, err]).to.deep.equal([0, '']);
    expect(out).to.match(/^ *head +position/);
    await remove();
  });

  it('a connection that is lost while a snapshot is read is an error of its reader, and no other', async () => {
    const {place, remove} = await withSchema(address);
    const name = `lost_${schemas++}_${process.pid}`;
    const store = await openMemory(`${place}&application_name=${name}`, {format: tinyFormat});
    for (const from of [0, 4096]) await store.append(batchOf(tinyFormat, {from, n: 4096}));
    const snapshot = store.snapshot({streams: 'all'})[Symbol.asyncIterator]();
    await snapshot.next();
    const other = await connect(place);
    const {rows} = await other.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${name}'`,
    );
    expect(rows.length).to.be.above(0);
    await other.end();
    // The error of a connection that is in use and idle comes by itself.
    await new Promise(resolve => setTimeout(resolve, 100));
    const {reason, message} = await refusal(() => snapshot.next());
    expect(reason).to.equal('unavailable');
    expect(message).to.include('the database refused');
    expect((await store.stats()).rows).to.equal(8192);
    await store.close();
    await remove();
  });
});
