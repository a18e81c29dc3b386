// What every store of memory does, written once and run over all of them.

import {expect} from 'chai';
import type {MemoryFormat, MemoryStore, MemoryStoreOptions} from '../../memory/store.js';
import {NO_SCORE} from '../../memory/store.js';
import {MemoryStoreError} from '../../memory/store-error.js';
import {batchOf, contents, eighths, expectedHits, joined, queryOf, rowsWhere, tinyFormat} from './rows.js';

/** A kind of store under test: places for it, each empty at first and kept until the test ends. */
export interface StoreKind {
  readonly name: string;
  /** Whether what was acknowledged is there when the place is opened again. */
  readonly durable: boolean;
  /** A place of its own for one test. */
  place(): Promise<StorePlace> | StorePlace;
}

export interface StorePlace {
  open(format: MemoryFormat | undefined, options?: MemoryStoreOptions): Promise<MemoryStore>;
  remove(): Promise<void> | void;
}

/** The reason of a refusal, and its words. */
export async function refusal(work: () => unknown): Promise<MemoryStoreError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof MemoryStoreError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const HOSTILE = [
  "'; drop table bmojo_parts; --",
  'a\u0000b',
  '../../etc/passwd',
  'a',
  'A',
  ' a',
  'a ',
  '%',
  '_',
  '\\',
  '"',
  '$1',
  '\u00e9',
  'e\u0301',
  '\ufffd',
  '\u{1f600}',
  '__proto__',
  'constructor',
  '\u202eevil',
  '\n',
  'x'.repeat(1024),
];

export function storeContract({name, durable, place: makePlace}: StoreKind): void {
  describe(`${name}, as every store`, () => {
    let place: StorePlace;
    let store: MemoryStore;
    const open = async (
      format: MemoryFormat = tinyFormat,
      options: MemoryStoreOptions = {},
    ): Promise<MemoryStore> => {
      store = await place.open(format, options);
      return store;
    };
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      await store?.close();
      await place.remove();
    });

    it('finds the rows of largest inner product, per query and group, with keys and values', async () => {
      await open();
      const batches = [0, 1, 2].map(i => batchOf(tinyFormat, {from: 20 * i, seed: i}));
      for (const batch of batches) await store.append(batch);
      const query = queryOf(tinyFormat);
      expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, batches, query));
    });

    it('keeps to the limit of each query', async () => {
      await open();
      const batch = batchOf(tinyFormat, {n: 40});
      await store.append(batch);
      const query = {...queryOf(tinyFormat, {n: 4, count: 6}), before: Int32Array.of(0, 3, 17, 1000)};
      const hits = await store.search(query);
      expect(hits).to.deep.equal(expectedHits(tinyFormat, [batch], query));
      expect(hits.positions.subarray(0, 12)).to.deep.equal(new Int32Array(12).fill(-1));
      expect(hits.scores[0]).to.equal(NO_SCORE);
    });

    it('gives the older row first where scores are equal', async () => {
      await open();
      const numbers = tinyFormat.groups * tinyFormat.width;
      const batch = batchOf(tinyFormat, {n: 12});
      for (let row = 0; row < 12; row++)
        batch.keys.set(batch.keys.subarray((row % 2) * numbers, ((row % 2) + 1) * numbers), row * numbers);
      await store.append(rowsWhere(batch, tinyFormat, position => position < 5));
      await store.append(rowsWhere(batch, tinyFormat, position => position >= 5));
      for (const seed of [1, 2, 3, 4]) {
        const query = queryOf(tinyFormat, {count: 9, seed});
        expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, [batch], query));
      }
    });

    it('has nothing to find in a stream and layer without rows', async () => {
      await open();
      const query = queryOf(tinyFormat, {stream: 'nobody'});
      expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, [], query));
    });

    it('stores halves rounded to nearest, ties to even, and refuses what they cannot hold', async () => {
      const format: MemoryFormat = {...tinyFormat, groups: 1, width: 4, precision: 'f16'};
      await open(format);
      const given = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24, -65504);
      const batch = {...batchOf(format, {n: 1}), keys: given, values: given};
      await store.append(batch);
      const hits = await store.search(queryOf(format, {n: 1, count: 1}));
      const stored = Float32Array.of(1, 1 + 2 ** -9, 2 ** -24, -65504);
      expect([hits.keys, hits.values]).to.deep.equal([stored, stored]);
      const large = {...batchOf(format, {n: 1, from: 1}), keys: Float32Array.of(1, 2, 3, 65520)};
      expect((await refusal(() => store.append(large))).reason).to.equal('argument');
      expect((await store.stats()).rows).to.equal(1);
    });

    it('refuses batches that do not fit, whole', async () => {
      await open();
      const good = batchOf(tinyFormat);
      const bad = [
        {...good, layer: 2},
        {...good, stream: ''},
        {...good, stream: '\ud800'},
        {...good, stream: 'x'.repeat(1025)},
        {...good, positions: good.positions.map(position => position - 1)},
        {...good, positions: good.positions.map((position, i) => (i === 7 ? 6 : position))},
        {...good, keys: good.keys.subarray(1)},
        {...good, values: good.values.map((value, i) => (i === 9 ? Number.NaN : value))},
        {...good, innovations: good.innovations.map((value, i) => (i === 3 ? Infinity : value))},
        {...good, tokens: good.tokens.map(() => -2)},
      ];
      for (const batch of bad) expect((await refusal(() => store.append(batch))).reason).to.equal('argument');
      expect(await contents(store)).to.deep.equal([]);
      await store.append(good);
      const again = await refusal(() => store.append(good));
      expect(again.message).to.include('must begin after 15').and.include('forget it first');
      expect(await contents(store)).to.deep.equal([good]);
      for (const query of [
        {...queryOf(tinyFormat), count: 0},
        {...queryOf(tinyFormat), before: Int32Array.of(1)},
        {...queryOf(tinyFormat), layer: 0},
        {...queryOf(tinyFormat), before: Int32Array.of(1, -1, 1)},
      ])
        expect((await refusal(() => store.search(query))).reason).to.equal('argument');
    });

    it('drives out the lowest innovation beyond a quota, of equal ones the older', async () => {
      await open(tinyFormat, {quota: 20});
      const all = [0, 1, 2, 3].map(i => batchOf(tinyFormat, {from: 16 * i, seed: i})).reduce(joined);
      const other = batchOf(tinyFormat, {layer: 3, n: 20});
      await store.append(other);
      for (let from = 0; from < 64; from += 16) {
        await store.append(rowsWhere(all, tinyFormat, position => position >= from && position < from + 16));
        // What each step leaves is what sorting all rows so far leaves.
        const seen = [...all.positions.keys()].slice(0, from + 16);
        const kept = new Set(
          seen.sort((a, b) => all.innovations[b] - all.innovations[a] || b - a).slice(0, 20),
        );
        const [part, untouched] = await contents(store);
        expect(part).to.deep.equal(rowsWhere(all, tinyFormat, position => kept.has(position)));
        expect(untouched).to.deep.equal(other);
      }
      const {rows, evicted, bytes} = await store.stats();
      expect({rows, evicted, bytes}).to.deep.equal({rows: 40, evicted: 44, bytes: 40 * 2 * 16 * 4});
      const query = queryOf(tinyFormat, {count: 30});
      expect(await store.search(query)).to.deep.equal(
        expectedHits(tinyFormat, (await contents(store)).slice(0, 1), query),
      );
    });

    it('a batch larger than the quota leaves its own best rows', async () => {
      await open(tinyFormat, {quota: 3});
      const batch = batchOf(tinyFormat, {n: 30});
      await store.append(batch);
      const best = [...batch.positions]
        .sort((a, b) => batch.innovations[b] - batch.innovations[a] || b - a)
        .slice(0, 3);
      expect(await contents(store)).to.deep.equal([
        rowsWhere(batch, tinyFormat, position => best.includes(position)),
      ]);
    });

    it('forgets by stream, layer, range and predicate, and what is said together', async () => {
      await open();
      const parts = ['a', 'b'].flatMap(stream =>
        [1, 3].map((layer, i) => batchOf(tinyFormat, {stream, layer, seed: i + stream.length})),
      );
      for (const part of parts) await store.append(part);
      expect(await store.forget({streams: ['a'], layer: 1, from: 4, before: 9})).to.equal(5);
      expect(await store.forget({streams: ['nobody']})).to.equal(0);
      expect(await store.forget({streams: []})).to.equal(0);
      const seen: unknown[] = [];
      const where = (row: {position: number}): boolean => {
        seen.push(row);
        return row.position % 2 === 0;
      };
      expect(await store.forget({streams: ['b'], layer: 3, from: 14, where})).to.equal(1);
      expect(seen).to.deep.equal(
        [14, 15].map(position => ({
          stream: 'b',
          layer: 3,
          position,
          innovation: parts[3].innovations[position],
          token: parts[3].tokens[position],
        })),
      );
      expect(await contents(store)).to.deep.equal([
        rowsWhere(parts[0], tinyFormat, position => position < 4 || position >= 9),
        parts[1],
        parts[2],
        rowsWhere(parts[3], tinyFormat, position => position !== 14),
      ]);
      expect(await store.forget({streams: 'all'})).to.equal(11 + 16 + 16 + 15);
      expect((await store.stats()).parts).to.deep.equal([]);
    });

    it('a stream that was forgotten from a position on goes on from there', async () => {
      await open(tinyFormat, {quota: 24});
      const first = batchOf(tinyFormat, {n: 24});
      await store.append(first);
      await store.forget({streams: ['a'], from: 12});
      const second = batchOf(tinyFormat, {from: 12, n: 8, seed: 9});
      await store.append(second);
      const kept = rowsWhere(first, tinyFormat, position => position < 12);
      expect(await contents(store)).to.deep.equal([joined(kept, second)]);
      const query = queryOf(tinyFormat, {count: 24});
      expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, [kept, second], query));
    });

    it('a row that was forgotten and written again leaves once, by its new innovation', async () => {
      for (const shift of [0, 0.5]) {
        const stream = `shift ${shift}`;
        const all = batchOf(tinyFormat, {stream, n: 64});
        const rows = (from: number, before: number) =>
          rowsWhere(all, tinyFormat, position => position >= from && position < before);
        await open(tinyFormat, {quota: 24});
        // The quota has been at work before, so that the order of leaving is known already.
        await store.append(rows(0, 28));
        await store.append(rows(28, 32));
        await store.forget({streams: [stream], from: 16});
        const [kept] = await contents(store);
        const again = {...rows(16, 32), innovations: rows(16, 32).innovations.map(value => value + shift)};
        await store.append(again);
        await store.append(rows(32, 40));
        const seen = [kept, again, rows(32, 40)].reduce(joined);
        const order = [...seen.positions.keys()].sort(
          (a, b) => seen.innovations[b] - seen.innovations[a] || b - a,
        );
        const stay = new Set(order.slice(0, 24).map(row => seen.positions[row]));
        expect(await contents(store)).to.deep.equal([
          rowsWhere(seen, tinyFormat, position => stay.has(position)),
        ]);
        await store.forget({streams: 'all'});
        await store.close();
      }
    });

    it('rows that differ by less than float32 can tell are put in order', async () => {
      const format: MemoryFormat = {...tinyFormat, groups: 1, width: 2};
      await open(format);
      const batch = {
        ...batchOf(format, {n: 3}),
        keys: Float32Array.of(1e8, 1, 1e8, 3, 5, 5),
      };
      await store.append(batch);
      const query = {...queryOf(format, {n: 1, count: 1}), queries: Float32Array.of(1, 1)};
      expect([...(await store.search(query)).positions]).to.deep.equal([1]);
    });

    it('tokens that are not said are unknown', async () => {
      await open();
      const batch = batchOf(tinyFormat);
      await store.append({...batch, tokens: undefined});
      expect((await contents(store))[0].tokens).to.deep.equal(new Int32Array(16).fill(-1));
      expect((await store.search(queryOf(tinyFormat))).tokens.every(token => token === -1)).to.equal(true);
    });

    it('a snapshot is of one moment, whatever comes while it is read', async () => {
      await open();
      const batches = ['a', 'b', 'c'].map((stream, i) => batchOf(tinyFormat, {stream, seed: i}));
      for (const batch of batches) await store.append(batch);
      const read: unknown[] = [];
      for await (const batch of store.snapshot({streams: 'all'})) {
        read.push(batch);
        if (read.length > 1) continue;
        await store.forget({streams: ['b', 'c'], from: 3});
        await store.append(batchOf(tinyFormat, {stream: 'd'}));
        await store.append(batchOf(tinyFormat, {stream: 'c', from: 3, n: 2}));
      }
      expect(read).to.deep.equal(batches);
      expect((await store.stats()).rows).to.equal(16 + 3 + 5 + 16);
      const some: number[] = [];
      for await (const {positions} of store.snapshot({streams: ['a'], from: 2, before: 5}))
        some.push(...positions);
      expect(some).to.deep.equal([2, 3, 4]);
    });

    it('tells streams apart, whatever their names', async () => {
      await open();
      const batches = HOSTILE.map((stream, i) => batchOf(tinyFormat, {stream, n: 5, seed: i}));
      for (const batch of batches) await store.append(batch);
      for (const [i, stream] of HOSTILE.entries()) {
        const query = queryOf(tinyFormat, {stream, count: 8});
        expect(await store.search(query), stream).to.deep.equal(
          expectedHits(tinyFormat, [batches[i]], query),
        );
      }
      const order = batches.toSorted((a, b) => Buffer.compare(Buffer.from(a.stream), Buffer.from(b.stream)));
      expect(await contents(store)).to.deep.equal(order);
      for (const [i, stream] of HOSTILE.entries()) {
        expect(await store.forget({streams: [stream]}), stream).to.equal(5);
        expect((await store.stats()).rows).to.equal(5 * (HOSTILE.length - i - 1));
      }
    });

    it('serves 32 streams at once, and none sees the rows of another', async () => {
      await open(tinyFormat, {quota: 40});
      const work = Array.from({length: 32}, async (_, s) => {
        const stream = `stream ${s}`;
        // Every number of a stream's keys and values is its own.
        const mark = (s + 1) / 8;
        for (let from = 0; from < 64; from += 8) {
          const batch = batchOf(tinyFormat, {stream, from, n: 8, seed: s});
          await store.append({...batch, keys: batch.keys.fill(mark), values: batch.values.fill(mark)});
          const hits = await store.search(queryOf(tinyFormat, {stream, count: 5}));
          expect(hits.values.every(value => value === mark)).to.equal(true);
          expect(hits.positions.every(position => position >= 0 && position < from + 8)).to.equal(true);
        }
        if (s % 2 === 0) await store.forget({streams: [stream], from: 60});
      });
      await Promise.all(work);
      const {parts} = await store.stats();
      expect(parts.map(({rows}) => rows).sort()).to.include.members([40]);
      expect(parts).to.have.length(32);
      for (const part of await contents(store))
        expect(part.keys.every(value => value === (Number(part.stream.slice(7)) + 1) / 8)).to.equal(true);
    });

    it('does what is asked in the order in which it is asked', async () => {
      await open();
      const work = [0, 1, 2, 3].map(i => store.append(batchOf(tinyFormat, {from: 16 * i, seed: i})));
      const forgotten = store.forget({streams: ['a'], before: 32});
      await Promise.all(work);
      expect(await forgotten).to.equal(32);
      expect((await store.stats()).rows).to.equal(32);
    });

    it('counts what it holds', async () => {
      await open();
      const batch = batchOf(tinyFormat, {from: 7, n: 9});
      await store.append(batch);
      const {innovations} = batch;
      const innovation = innovations.reduce((sum, value) => sum + value, 0) / 9;
      expect(await store.stats()).to.deep.equal({
        format: tinyFormat,
        parts: [{stream: 'a', layer: 1, rows: 9, first: 7, last: 15, innovation}],
        rows: 9,
        bytes: 9 * 2 * 16 * 4,
        evicted: 0,
        waiting: 0,
        late: 0,
      });
    });

    it('refuses everything once it is closed, and closes twice', async () => {
      await open();
      const under = store.append(batchOf(tinyFormat));
      await store.close();
      await under;
      await store.close();
      for (const call of [
        () => store.append(batchOf(tinyFormat, {from: 16})),
        () => store.search(queryOf(tinyFormat)),
        () => store.forget({streams: 'all'}),
        () => store.stats(),
        () => contents(store),
      ])
        expect((await refusal(call)).reason).to.equal('closed');
    });

    it('answers from many rows as from few', async () => {
      const format: MemoryFormat = {...tinyFormat, groups: 1, width: 4, precision: 'f16'};
      await open(format);
      const batches = Array.from({length: 10}, (_, i) => batchOf(format, {from: 2000 * i, n: 2000, seed: i}));
      for (const batch of batches) await store.append(batch);
      const query = {...queryOf(format, {n: 2, count: 3}), before: Int32Array.of(17_000, 20_000)};
      // Scores that are apart: the largest of few random vectors.
      const random = eighths(8, 99).map((value, i) => value + i / 1024);
      const apart = {...query, queries: random};
      expect(await store.search(apart)).to.deep.equal(expectedHits(format, batches, apart));
    });

    if (durable) {
      it('holds what was acknowledged when it is opened again', async () => {
        await open(tinyFormat, {quota: 20});
        for (const i of [0, 1, 2]) await store.append(batchOf(tinyFormat, {from: 16 * i, seed: i}));
        await store.append(batchOf(tinyFormat, {stream: 'b', layer: 3}));
        await store.forget({streams: ['b'], before: 3});
        const before = await contents(store);
        await store.close();
        await open(tinyFormat, {quota: 20});
        expect(await contents(store)).to.deep.equal(before);
        await store.append(batchOf(tinyFormat, {from: 48, seed: 7}));
        const then = await contents(store);
        await store.close();
        store = await place.open(undefined);
        expect(store.format).to.deep.equal(tinyFormat);
        expect(await contents(store)).to.deep.equal(then);
      });

      it('a stream whose last rows a quota drove out goes on from there, whatever is forgotten then', async () => {
        await open(tinyFormat, {quota: 8});
        const rows = (from: number, innovation: number, seed: number) => {
          const batch = batchOf(tinyFormat, {from, n: 8, seed});
          return {...batch, innovations: batch.innovations.fill(innovation)};
        };
        await store.append(rows(0, 9, 1));
        // None of these stays, so that their positions are free again.
        await store.append(rows(8, 0, 2));
        const last = rows(8, 0, 3);
        last.innovations.fill(20, 0, 2);
        await store.append(last);
        expect(await store.forget({streams: ['a'], from: 2, before: 3})).to.equal(1);
        const kept = joined(
          rowsWhere(rows(0, 9, 1), tinyFormat, position => position > 2),
          rowsWhere(last, tinyFormat, position => position < 10),
        );
        expect(await contents(store)).to.deep.equal([kept]);
        await store.close();
        await open(tinyFormat, {quota: 8});
        expect(await contents(store)).to.deep.equal([kept]);
      });

      it('is refused to those of another model, width or precision, with the remedy', async () => {
        await open();
        await store.append(batchOf(tinyFormat));
        await store.close();
        for (const [key, value] of Object.entries({
          model: 'another',
          layers: [1],
          groups: 1,
          width: 4,
          precision: 'f16',
        })) {
          const {reason, message} = await refusal(() => place.open({...tinyFormat, [key]: value}));
          expect(reason).to.equal('format');
          expect(message).to.include(key).and.include('another place');
        }
        await open();
        expect((await store.stats()).rows).to.equal(16);
      });

      it('a place without a store opens only for those who say what it is to hold', async () => {
        expect((await refusal(() => place.open(undefined))).reason).to.equal('unavailable');
        await open();
      });
    }
  });
}
