// The queue of updates and the deadline of searches: the contract over both, and what they promise beside it.

import {expect} from 'chai';
import {InProcessMemory} from '../../memory/in-process.js';
import {QueuedMemory} from '../../memory/queued-memory.js';
import type {MemoryBatch, MemoryHits, MemoryQuery} from '../../memory/store.js';
import {MemoryStoreError} from '../../memory/store-error.js';
import {TimedMemory} from '../../memory/timed-memory.js';
import {refusal, storeContract} from './contract.js';
import {batchOf, expectedHits, queryOf, tinyFormat} from './rows.js';

/** A store that does things when the test lets it. */
class HeldMemory extends InProcessMemory {
  private readonly gates: (() => void)[] = [];
  isHeld = false;

  private hold(): Promise<void> | undefined {
    return this.isHeld ? new Promise(resolve => this.gates.push(resolve)) : undefined;
  }

  override async append(batch: MemoryBatch): Promise<void> {
    await this.hold();
    return super.append(batch);
  }

  override async search(query: MemoryQuery): Promise<MemoryHits> {
    await this.hold();
    return super.search(query);
  }

  get held(): number {
    return this.gates.length;
  }

  release(): void {
    this.gates.shift()?.();
  }
}

storeContract({
  name: 'a deadline before memory in process',
  durable: false,
  place: () => ({
    open: async (format, options) =>
      new TimedMemory(new InProcessMemory(format ?? tinyFormat, options), 60_000),
    remove: () => {},
  }),
});

describe('a queue of updates', () => {
  let inner: HeldMemory;
  let store: QueuedMemory;
  const batches = [0, 1, 2, 3].map(i => batchOf(tinyFormat, {from: 8 * i, n: 8, seed: i}));
  const asked = (before: number) => queryOf(tinyFormat, {count: 40, before});
  const finds = async (before: number, rows: readonly Required<MemoryBatch>[]): Promise<void> => {
    const query = asked(before);
    expect(await store.search(query)).to.deep.equal(expectedHits(tinyFormat, rows, query));
  };
  const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
  beforeEach(() => {
    inner = new HeldMemory(tinyFormat);
    store = new QueuedMemory(inner, {limit: 3});
  });

  it('lets a search see what landed before the chunk of its limit began, and no more until the next', async () => {
    await store.append(batches[0]);
    await store.flush();
    await finds(8, batches.slice(0, 1));
    inner.isHeld = true;
    await store.append(batches[1]);
    inner.isHeld = false;
    // Accepted, not landed: the search neither waits nor sees it.
    await finds(16, batches.slice(0, 1));
    inner.release();
    await store.flush();
    await finds(16, batches.slice(0, 1)); // landed in the middle of the chunk
    await finds(24, batches.slice(0, 2)); // the next chunk
    await finds(8, batches.slice(0, 1)); // an earlier limit hides what is beyond it
  });

  it('with a store that keeps up it finds what the store itself finds', async () => {
    for (const [i, batch] of batches.entries()) {
      await store.append(batch);
      await store.flush();
      await finds(8 * (i + 1), batches.slice(0, i + 1));
    }
  });

  it('accepts so many updates and then makes whoever appends wait', async () => {
    inner.isHeld = true;
    for (const batch of batches.slice(0, 3)) await store.append(batch);
    expect((await store.stats()).waiting).to.equal(3);
    let isAccepted = false;
    const fourth = store.append(batches[3]).then(() => {
      isAccepted = true;
    });
    await settled();
    expect(isAccepted).to.equal(false);
    expect(inner.held).to.equal(3);
    inner.release();
    await fourth;
    inner.isHeld = false;
    for (let i = 0; i < 3; i++) inner.release();
    await store.flush();
    const {rows, waiting} = await store.stats();
    expect({rows, waiting}).to.deep.equal({rows: 32, waiting: 0});
  });

  it('throws what an update died of at the next call, and accepts no more', async () => {
    inner.append = async () => {
      throw new MemoryStoreError('full', 'no room');
    };
    await store.append(batches[0]);
    await settled();
    expect((await refusal(() => store.append(batches[1]))).reason).to.equal('full');
    expect((await refusal(() => store.flush())).reason).to.equal('full');
    await finds(8, []);
    expect((await refusal(() => store.close())).reason).to.equal('full');
    expect((await refusal(() => inner.stats())).reason).to.equal('closed');
  });

  it('keeps to the order of the calls, those that wait for room too', async () => {
    const handed: number[] = [];
    const append = inner.append.bind(inner);
    inner.append = async batch => {
      handed.push(batch.positions[0]);
      for (let i = 0; i < handed.length % 5; i++) await undefined;
      return append(batch);
    };
    store = new QueuedMemory(inner, {limit: 1});
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 40; i++) {
      calls.push(store.append(batchOf(tinyFormat, {from: 2 * i, n: 2})));
      for (let turns = 0; turns < (7 * i) % 11; turns++) await undefined;
    }
    calls.push(store.forget({streams: ['a'], from: 60}));
    calls.push(store.append(batchOf(tinyFormat, {from: 60, n: 2})));
    await Promise.all(calls);
    await store.flush();
    expect(handed).to.deep.equal([...Array.from({length: 40}, (_, i) => 2 * i), 60]);
    expect((await store.stats()).rows).to.equal(62);
  });

  it('shows nothing in the middle of a chunk that was appended there', async () => {
    await store.append(batches[0]);
    await store.flush();
    await finds(20, batches.slice(0, 1));
    await store.append(batches[1]);
    await store.flush();
    await finds(20, batches.slice(0, 1));
    await finds(21, batches.slice(0, 2));
  });

  it('gives the arrays back once an update is accepted', async () => {
    inner.isHeld = true;
    const {keys, values, ...rest} = batches[0];
    const own = {...rest, keys: keys.slice(), values: values.slice()};
    await store.append(own);
    own.keys.fill(7);
    own.values.fill(7);
    inner.isHeld = false;
    inner.release();
    await store.flush();
    await finds(8, batches.slice(0, 1));
  });

  it('refuses everything once it is closed, and loses nothing of what it accepted before', async () => {
    inner.isHeld = true;
    await store.append(batches[0]);
    inner.isHeld = false;
    const closed = store.close();
    for (const call of [
      () => store.append(batches[1]),
      () => store.search(asked(8)),
      () => store.forget({streams: 'all'}),
      () => store.stats(),
      () => store.snapshot({streams: 'all'})[Symbol.asyncIterator]().next(),
    ])
      expect((await refusal(call)).reason).to.equal('closed');
    expect((await inner.stats()).rows).to.equal(0);
    inner.release();
    await closed;
    await store.close();
    expect((await refusal(() => inner.stats())).reason).to.equal('closed');
  });

  it('refuses what does not fit at once', async () => {
    const bad = {...batches[0], layer: 2};
    expect((await refusal(() => store.append(bad))).reason).to.equal('argument');
    expect((await refusal(() => new QueuedMemory(inner, {limit: 0}))).reason).to.equal('argument');
  });
});

describe('a deadline of searches', () => {
  it('lets a late search find nothing, counts it, and asks a store that is behind no more', async () => {
    const inner = new HeldMemory(tinyFormat);
    const store = new TimedMemory(inner, 20);
    const batch = batchOf(tinyFormat);
    await store.append(batch);
    const query = queryOf(tinyFormat);
    const [found, nothing] = [expectedHits(tinyFormat, [batch], query), expectedHits(tinyFormat, [], query)];
    expect(await store.search(query)).to.deep.equal(found);
    inner.isHeld = true;
    for (let late = 1; late <= 6; late++) {
      expect(await store.search(query)).to.deep.equal(nothing);
      expect((await store.stats()).late).to.equal(late);
    }
    expect(inner.held).to.equal(4);
    inner.isHeld = false;
    for (let i = 0; i < 4; i++) inner.release();
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(await store.search(query)).to.deep.equal(found);
    expect((await store.stats()).late).to.equal(6);
  });

  it('refuses a time that is none', async () => {
    for (const time of [0, -1, Number.NaN, 2 ** 31])
      expect((await refusal(() => new TimedMemory(new InProcessMemory(tinyFormat), time))).reason).to.equal(
        'argument',
      );
  });
});
