// The store in memory alone: the contract, and halves.

import {expect} from 'chai';
import {createRowSearch} from '../../custom-ops/exact-search/row-search.js';
import {fromHalves, toHalf} from '../../formats/half.js';
import {InProcessMemory} from '../../memory/in-process.js';
import type {KeepingKeySearch, KeptKeys, KeySearch} from '../../memory/store.js';
import {storeContract} from './contract.js';
import {batchOf, queryOf, tinyFormat} from './rows.js';

storeContract({
  name: 'memory in process',
  durable: false,
  place: () => ({
    open: async (format, options) => {
      if (format === undefined) throw new Error('a store in memory needs a format');
      return new InProcessMemory(format, options);
    },
    remove: () => {},
  }),
});

for (const [name, keptBytes] of [
  ['all keys in its memory', 2 ** 30],
  ['few keys in its memory', (1 << 16) + 10_000],
  ['no keys in its memory', 0],
] as const)
  storeContract({
    name: `memory in process, searched by the kernel of exactSearch, ${name}`,
    durable: false,
    place: () => ({
      open: async (format, options) => {
        if (format === undefined) throw new Error('a store in memory needs a format');
        return new InProcessMemory(format, {...options, rowSearch: await createRowSearch({keptBytes})});
      },
      remove: () => {},
    }),
  });

describe('room for keys', () => {
  /** A room, and what its search was told of. */
  interface Told {
    readonly numbers: Float32Array | Uint16Array;
    readonly room: KeptKeys;
  }

  /** A search that notes for what it gave room, and what it was told of it. */
  async function watched() {
    const search = await createRowSearch();
    const rooms = new Set<Told>();
    const rowSearch: KeySearch = Object.assign(search.bind(undefined), {
      forStore: (): KeepingKeySearch => {
        const keeping = search.forStore();
        return {
          search: keeping.search,
          keep: (count, precision, width) => {
            const room = keeping.keep(count, precision, width);
            if (room === undefined) return undefined;
            const told = {numbers: room.numbers.slice(), room};
            rooms.add(told);
            return {
              get numbers() {
                return room.numbers;
              },
              changed: (from, changed) => {
                told.numbers.set(room.numbers.subarray(from, from + changed), from);
                room.changed(from, changed);
              },
              release: () => {
                rooms.delete(told);
                room.release();
              },
            };
          },
        };
      },
    });
    const held = () => [...rooms].reduce((sum, {numbers}) => sum + numbers.length, 0);
    return {rowSearch, rooms, held};
  }

  it('comes back when rows leave, and not while a snapshot reads them', async () => {
    const {rowSearch, held} = await watched();
    const store = new InProcessMemory(tinyFormat, {rowSearch});
    for (const stream of ['a', 'b'])
      for (let from = 0; from < 600; from += 100)
        await store.append(batchOf(tinyFormat, {stream, from, n: 100}));
    // Blocks double: 1,024 rows of each.
    expect(held()).to.equal(2 * 1024 * 16);
    const snapshot = store.snapshot({streams: 'all'})[Symbol.asyncIterator]();
    await snapshot.next();
    await store.forget({streams: 'all'});
    expect(held()).to.be.at.least(2 * 1024 * 16);
    await snapshot.return?.(undefined);
    expect(held()).to.equal(0);
    await store.append(batchOf(tinyFormat));
    expect(held()).to.equal(64 * 16);
    await store.close();
  });

  it('holds nothing of which the search was not told, whatever comes and leaves', async () => {
    const {rowSearch, rooms} = await watched();
    const store = new InProcessMemory(tinyFormat, {rowSearch, quota: 900});
    const plain = new InProcessMemory(tinyFormat, {quota: 900});
    const both = [store, plain];
    for (const [i, forgotten] of [[], [3, 40], [100, 600], [700, 900], [0, 1000]].entries()) {
      const batch = batchOf(tinyFormat, {from: 240 * i, n: 240, seed: i});
      for (const one of both) await one.append(batch);
      const [from, before] = forgotten;
      if (from !== undefined) for (const one of both) await one.forget({streams: ['a'], from, before});
      for (const {numbers, room} of rooms) expect(numbers).to.deep.equal(room.numbers);
      const query = queryOf(tinyFormat, {n: 2, count: 7, before: 2000, seed: i});
      expect(await store.search(query)).to.deep.equal(await plain.search(query));
    }
    for (const one of both) await one.close();
  });
});

describe('halves', () => {
  const numberOf = (half: number): number => {
    const into = new Float32Array(1);
    fromHalves(Uint16Array.of(half), 0, 1, into, 0);
    return into[0];
  };

  it('all 63,488 finite ones are read as IEEE 754 defines them, and come back', () => {
    for (let half = 0; half < 1 << 16; half++) {
      const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
      if (exponent === 31) continue;
      const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      const value = half & 0x8000 ? -size : size;
      expect(numberOf(half)).to.equal(value);
      expect(toHalf(value)).to.equal(half);
    }
  });

  it('numbers between two become the nearer, and in the middle the even one', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [numberOf(half), numberOf(half + 1)];
      const middle = (low + high) / 2;
      expect(toHalf(middle)).to.equal(half % 2 === 0 ? half : half + 1);
      const step = (high - low) * 2 ** -10;
      expect([toHalf(middle - step), toHalf(middle + step)]).to.deep.equal([half, half + 1]);
    }
  });
});
