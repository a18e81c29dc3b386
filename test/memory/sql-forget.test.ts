// Forgetting in a database that others use meanwhile: they wait for the rows that are written anew, and for nothing else.

import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {openMemory} from '../../memory/open.js';
import {loadPackage} from '../../memory/places/load-package.js';
import type {PgPoolLike, SqlSession} from '../../memory/sql/database.js';
import {poolDatabase} from '../../memory/sql/database.js';
import {openSql} from '../../memory/sql/open.js';
import type {MemoryStore} from '../../memory/store.js';
import {connect, postgresAddress, requirePostgres, withSchema} from './postgres.js';
import {batchOf, contents, expectedHits, queryOf, rowsWhere, tinyFormat} from './rows.js';

/** Something that happens once, and whoever waits for it. */
function signal() {
  let tell = (): void => {};
  const told = new Promise<void>(resolve => {
    tell = resolve;
  });
  return {tell, told};
}

const SECRET = 'a very secret name';

describe('forgetting in PGlite', () => {
  it('leaves the name of a stream in no file but the log of writes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-forget-'));
    const filesWithName = (): string[] =>
      readdirSync(folder, {recursive: true, encoding: 'utf8'})
        .filter(name => !name.includes('pg_wal') && statSync(join(folder, name)).isFile())
        .filter(name => readFileSync(join(folder, name)).includes(SECRET));
    const store = await openMemory(`pglite:${folder}`, {format: tinyFormat});
    for (const from of [0, 16]) await store.append(batchOf(tinyFormat, {stream: SECRET, from}));
    await store.append(batchOf(tinyFormat, {stream: 'public'}));
    expect(await store.forget({streams: [SECRET]})).to.equal(32);
    expect(await contents(store)).to.deep.equal([batchOf(tinyFormat, {stream: 'public'})]);
    await store.append(batchOf(tinyFormat, {stream: 'public', from: 16}));
    await store.close();
    expect(filesWithName()).to.deep.equal([]);
    rmSync(folder, {recursive: true});
  });
});

describe('forgetting in PostgreSQL', () => {
  requirePostgres();
  const address = postgresAddress;
  if (address === undefined) return;
  let place: string;
  let remove: () => Promise<void>;
  let other: Awaited<ReturnType<typeof connect>>;
  beforeEach(async () => {
    ({place, remove} = await withSchema(address));
    other = await connect(place);
  });
  afterEach(async () => {
    await other.end();
    await remove();
  });

  /** A store that does something once a statement was answered. */
  const opened = async (answered: (text: string) => Promise<void> | void): Promise<MemoryStore> => {
    const {Pool} = (await loadPackage('pg', 'PostgreSQL')) as {Pool: new (options: object) => PgPoolLike};
    const database = poolDatabase(new Pool({connectionString: place}));
    const watched = (session: SqlSession): SqlSession => ({
      query: async (text, values) => {
        const answer = await session.query(text, values);
        await answered(text);
        return answer;
      },
    });
    return openSql(
      'PostgreSQL',
      {
        ...database,
        ...watched(database),
        transaction: work => database.transaction(session => work(watched(session))),
      },
      tinyFormat,
      {},
    );
  };
  /** A store whose statements are refused where they would wait. */
  const impatient = (): Promise<MemoryStore> => openMemory(`${place}%20-clock_timeout%3D2000`);
  const somebodyWaits = async (): Promise<void> => {
    for (let isWaiting = false; !isWaiting; )
      isWaiting = (await other.query('select 1 from pg_locks where not granted')).rows.length > 0;
  };

  it('an append to a stream that another process just made waits instead of failing', async () => {
    const [isMissed, isMade, isHeld] = [signal(), signal(), signal()];
    let isLookedUp = false;
    const late = await opened(async text => {
      if (isLookedUp || !text.includes('from bmojo_parts where stream')) return;
      isLookedUp = true;
      isMissed.tell();
      await isMade.told;
      await isHeld.told;
    });
    const forgetful = await opened(async text => {
      if (!text.includes('for update')) return;
      isHeld.tell();
      await somebodyWaits();
    });
    const early = await openMemory(place, {format: tinyFormat});
    try {
      const append = late.append(batchOf(tinyFormat, {from: 16, n: 4}));
      await isMissed.told;
      await early.append(batchOf(tinyFormat));
      isMade.tell();
      const ended = await Promise.allSettled([append, forgetful.forget({streams: ['a'], before: 4})]);
      expect(ended.map(({status}) => status)).to.deep.equal(['fulfilled', 'fulfilled']);
      expect((await early.stats()).rows).to.equal(16);
    } finally {
      for (const one of [late, forgetful, early]) await one.close();
    }
  });

  it('holds up nobody while tables are written anew but those who write to them', async () => {
    const [isCopied, mayEnd] = [signal(), signal()];
    let copied = 0;
    const forgetful = await opened(async text => {
      if (!/^insert into bmojo_rows_\d+ select/.test(text) || ++copied < 2) return;
      isCopied.tell();
      await mayEnd.told;
    });
    try {
      for (const stream of ['a', 'b', 'c']) await forgetful.append(batchOf(tinyFormat, {stream}));
      const forgotten = forgetful.forget({streams: ['a', 'b'], before: 4});
      await isCopied.told;
      // A process that comes now, a new stream, another stream, a reader of that, and searches of what is written anew.
      const busy = await impatient();
      await busy.append(batchOf(tinyFormat, {stream: 'new'}));
      await busy.append(batchOf(tinyFormat, {stream: 'c', from: 16}));
      await busy.forget({streams: ['new'], before: 2});
      const read: number[] = [];
      for await (const {positions} of busy.snapshot({streams: ['c']})) read.push(positions.length);
      expect(read).to.deep.equal([32]);
      for (const stream of ['a', 'b']) {
        const query = queryOf(tinyFormat, {stream});
        expect(await busy.search(query)).to.deep.equal(
          expectedHits(tinyFormat, [batchOf(tinyFormat, {stream})], query),
        );
      }
      const append = forgetful.append(batchOf(tinyFormat, {from: 16, n: 4}));
      mayEnd.tell();
      expect(await forgotten).to.equal(8);
      await append;
      const parts = (await busy.stats()).parts.map(({stream, rows}) => [stream, rows]);
      expect(parts).to.deep.equal([
        ['a', 16],
        ['b', 12],
        ['c', 32],
        ['new', 14],
      ]);
      await busy.close();
    } finally {
      mayEnd.tell();
      await forgetful.close();
    }
  });

  it('whoever waits for it sees what it wrote, whatever isolation the server begins with', async () => {
    const isHeld = signal();
    let isForgetting = false;
    const forgetful = await opened(async text => {
      if (!isForgetting || !text.includes('for update')) return;
      isForgetting = false;
      isHeld.tell();
      await somebodyWaits();
    });
    const strict = await openMemory(`${place}%20-cdefault_transaction_isolation%3Dserializable`);
    try {
      await forgetful.append(batchOf(tinyFormat));
      isForgetting = true;
      const forgotten = forgetful.forget({streams: ['a'], before: 4});
      await isHeld.told;
      await strict.append(batchOf(tinyFormat, {from: 16, n: 4}));
      expect(await forgotten).to.equal(4);
      expect((await strict.stats()).rows).to.equal(16);
    } finally {
      for (const one of [forgetful, strict]) await one.close();
    }
  });

  /** Whether the files of the table of parts, and of its indexes, hold a name. */
  const isNamed = async (name: string): Promise<boolean> => {
    await other.query('checkpoint');
    const {rows} = await other.query(
      `select encode(pg_read_binary_file(pg_relation_filepath(oid)), 'hex') as bytes from pg_class
        where relname like 'bmojo\\_parts%' and relkind in ('r', 'i') and relnamespace = current_schema()::regnamespace`,
    );
    expect(rows).to.have.length(3);
    return rows.some(({bytes}) => String(bytes).includes(Buffer.from(name).toString('hex')));
  };

  it('leaves no name of a stream in the table of parts, whoever might still see it, and waits for nobody long', async () => {
    const store = await openMemory(place, {format: tinyFormat});
    try {
      for (const stream of [SECRET, 'b']) await store.append(batchOf(tinyFormat, {stream}));
      await other.query('begin isolation level repeatable read');
      await other.query('select 1 from pg_class');
      await store.forget({streams: [SECRET]});
      await other.query('commit');
      expect(await isNamed(SECRET)).to.equal(false);
      // Somebody who uses that table all the time is in nobody's way but that of the names.
      await store.append(batchOf(tinyFormat, {stream: SECRET}));
      await other.query('begin');
      await other.query('lock table bmojo_parts in row share mode');
      await store.forget({streams: [SECRET]});
      expect((await store.stats()).parts.map(({stream}) => stream)).to.deep.equal(['b']);
      await other.query('commit');
      expect(await isNamed(SECRET)).to.equal(true);
      await store.forget({streams: ['b']});
      expect(await isNamed(SECRET)).to.equal(false);
      // A forget that was killed before the names went is asked for again, and so is one of a stream that was refused.
      await other.query('begin');
      await other.query(
        `insert into bmojo_parts (stream, layer) values ('\\x${Buffer.from(SECRET).toString('hex')}', 1)`,
      );
      await other.query('rollback');
      expect(await isNamed(SECRET)).to.equal(true);
      expect(await store.forget({streams: [SECRET]})).to.equal(0);
      expect(await isNamed(SECRET)).to.equal(false);
    } finally {
      await store.close();
    }
  });

  it('keeps nothing of keys, numbers and names for its plans', async () => {
    const store = await openMemory(place, {format: tinyFormat});
    await store.append(batchOf(tinyFormat, {stream: SECRET, n: 200}));
    await store.close();
    await other.query('analyze');
    const {rows} = await other.query(
      `select attname from pg_stats where tablename like 'bmojo\\_%' and schemaname = current_schema()`,
    );
    const named = rows.map(({attname}) => String(attname));
    expect(named).to.include('position');
    expect(named.filter(name => /^(stream|numbers|token|key_)/.test(name))).to.deep.equal([]);
  });

  it('misses nothing of what another process writes anew meanwhile, and neither does a snapshot', async () => {
    const isHeld = signal();
    let isFirst = true;
    const forgetful = await opened(async text => {
      if (!isFirst || !text.includes('for update') || !text.includes('any')) return;
      isFirst = false;
      isHeld.tell();
      await somebodyWaits();
    });
    const second = await openMemory(place, {format: tinyFormat});
    try {
      for (const stream of ['a', 'b']) await second.append(batchOf(tinyFormat, {stream}));
      const forgotten = forgetful.forget({streams: ['b'], before: 4});
      await isHeld.told;
      const rest = rowsWhere(batchOf(tinyFormat, {stream: 'b'}), tinyFormat, position => position >= 4);
      expect(await contents(second)).to.deep.equal([batchOf(tinyFormat, {stream: 'a'}), rest]);
      expect(await forgotten).to.equal(4);
      isFirst = true;
      const more = forgetful.forget({streams: ['b'], before: 6});
      const all = second.forget({streams: 'all', before: 8});
      expect([await more, await all]).to.deep.equal([2, 10]);
    } finally {
      for (const one of [forgetful, second]) await one.close();
    }
  });
});
