// exactSearch's kernel on arrays of a store's: the op's definition over the blocks one after the other.

import {expect} from 'chai';
import {exactSearchOp} from '../../custom-ops/exact-search/definition.js';
import type {SearchedRows} from '../../custom-ops/exact-search/row-search.js';
import {createRowSearch} from '../../custom-ops/exact-search/row-search.js';
import {ArgumentError} from '../../custom-ops/index.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import {toHalf} from '../../formats/half.js';

const random = seededRandom(5);
/** Multiples of an eighth: exact as halves, and in any order of sums. */
const eighths = (length: number): Float32Array =>
  Float32Array.from({length}, () => Math.floor(17 * random.uniform()) / 8 - 1);

interface Sizes {
  readonly n: number;
  readonly groups: number;
  readonly width: number;
  readonly count: number;
}

/** The definition's answer, query by query, each with rows of its own that it may find. */
function expected(blocks: readonly SearchedRows[], queries: Float32Array, {n, groups, width, count}: Sizes) {
  const keys = Float32Array.from(
    blocks.flatMap(({keys, rows}) => [...keys.subarray(0, rows * groups * width)]),
  );
  const N = keys.length / (groups * width);
  const places = groups * count;
  const found = {rows: new Int32Array(n * places), scores: new Float32Array(n * places)};
  for (let i = 0; i < n; i++) {
    const admitted = Int32Array.from(
      blocks.flatMap(({rows, limits, gone}) =>
        Array.from({length: rows}, (_, row) => (row < (limits?.[i] ?? rows) && !gone?.[row] ? 1 : 0)),
      ),
    );
    exactSearchOp.forward.reference({
      inputs: {q: queries.subarray(i * groups * width, (i + 1) * groups * width), k: keys, admitted},
      outputs: {
        rows: found.rows.subarray(i * places, (i + 1) * places),
        scores: found.scores.subarray(i * places, (i + 1) * places),
      },
      dims: {B: 1, L: 1, N, G: groups, Dh: width, R: count},
      attrs: {count, window: 0, queryOffset: 0, phase: 0},
    });
  }
  return found;
}

/** The same rows as bits of halves. */
const asHalves = (blocks: readonly SearchedRows[]): SearchedRows[] =>
  blocks.map(block => ({...block, keys: Uint16Array.from(block.keys, value => toHalf(value))}));

describe('search of rows in arrays', () => {
  const shapes: Sizes[] = [
    {n: 1, groups: 1, width: 64, count: 8},
    {n: 3, groups: 2, width: 8, count: 5},
    {n: 2, groups: 3, width: 5, count: 40},
  ];
  for (const sizes of shapes) {
    const {n, groups, width, count} = sizes;
    const numbers = groups * width;
    it(`n ${n}, G ${groups}, Dh ${width}, R ${count}: blocks, limits and rows that are gone`, async () => {
      const search = await createRowSearch();
      const block = (rows: number, more: Partial<SearchedRows> = {}): SearchedRows => ({
        keys: eighths((rows + 3) * numbers),
        rows,
        ...more,
      });
      // The first is longer than the piece that is copied at a time.
      const long = Math.ceil(40_000 / numbers);
      const blocks = [
        block(long, {gone: Uint8Array.from({length: long}, () => (random.uniform() < 0.3 ? 1 : 0))}),
        // Limits within its last piece, or its first.
        block(long, {limits: Int32Array.from({length: n}, (_, i) => (i === 1 ? 3 : long - 2))}),
        block(1),
        block(17, {limits: Int32Array.from({length: n}, (_, i) => 5 * i)}),
      ];
      const queries = eighths(n * numbers);
      const wanted = expected(blocks, queries, sizes);
      const query = {queries, groups, width, count};
      expect(search(blocks, query)).to.deep.equal(wanted);
      expect(search(asHalves(blocks), query)).to.deep.equal(wanted);
      // Nothing is left of a search in the next.
      expect(search([], query).rows.every(row => row === -1)).to.equal(true);
      expect(search(blocks, query)).to.deep.equal(wanted);
    });
  }

  for (const {n, groups, width, count} of shapes)
    for (const precision of ['f32', 'f16'] as const)
      it(`keys that are kept are found as those in arrays, n ${n}, G ${groups}, Dh ${width}, ${precision}`, async () => {
        const search = await createRowSearch();
        const keeping = search.forStore();
        const numbers = groups * width;
        const gone = Uint8Array.from({length: 900}, () => (random.uniform() < 0.3 ? 1 : 0));
        const limits = Int32Array.from({length: n}, (_, i) => 40 * i);
        const plain: SearchedRows[] = [{rows: 900}, {rows: 900, gone}, {rows: 70, limits}, {rows: 1}].map(
          block => {
            const keys = eighths(block.rows * numbers);
            return {...block, keys: precision === 'f16' ? Uint16Array.from(keys, toHalf) : keys};
          },
        );
        const kept = plain.map(({keys}) => {
          const room = keeping.keep(keys.length, precision, width);
          if (room === undefined) throw new Error('there is no room');
          room.numbers.set(keys);
          room.changed(0, keys.length);
          return room;
        });
        const query = {queries: eighths(n * numbers), groups, width, count};
        const wanted = search(plain, query);
        // The first search takes memory beside the keys: they are asked for behind it. The last block lies in an array.
        const blocks = function* () {
          for (const [i, block] of plain.entries()) yield i < 3 ? {...block, keys: kept[i].numbers} : block;
        };
        expect(keeping.search(blocks(), query)).to.deep.equal(wanted);
        for (const [i, {keys}] of plain.entries()) expect(kept[i].numbers).to.deep.equal(keys);
        // Another query, of more rows than there was room for.
        const more = {...query, count: 4000};
        expect(keeping.search(blocks(), more)).to.deep.equal(search(plain, more));
      });

  /** Keys that are hard to bound, of which each number has a part of its own. */
  const hard: Readonly<Record<string, (row: number, shared: number) => number>> = {
    'random numbers': () => random.normal(),
    'neighbours that float32 hardly tells apart': (_, shared) => shared * (1 + 1e-6 * random.normal()),
    'neighbours that codes do not tell apart': (_, shared) => shared + 1e-3 * random.normal(),
    'a number that outweighs the rest': () => (random.uniform() < 0.02 ? 100 : 0.01) * random.normal(),
    'rows of very different sizes': row => 2 ** (((37 * row) % 24) - 14) * random.normal(),
    'rows of zeros': row => (row % 3 === 0 ? 0 : random.normal()),
  };
  const beyondHalves: typeof hard = {
    'rows from 2^-120 to 2^120': row => 2 ** (((37 * row) % 240) - 120) * random.normal(),
    'numbers that are none': row => [Number.NaN, Infinity, 1, -1, 1e-45][row % 5] * random.normal(),
  };
  for (const precision of ['f32', 'f16'] as const)
    for (const [name, number] of Object.entries(precision === 'f32' ? {...hard, ...beyondHalves} : hard))
      it(`codes pass over no row that would be found: ${name}, ${precision}`, async () => {
        const search = await createRowSearch();
        for (const width of [1, 7, 8, 33, 64, 300])
          for (const scale of [1, 2 ** -60, 2 ** 40]) {
            const rows = 96;
            const shared = Float32Array.from({length: width}, random.normal);
            const given = Float32Array.from({length: rows * width}, (_, i) =>
              number(Math.floor(i / width), shared[i % width]),
            );
            const keys = precision === 'f16' ? Uint16Array.from(given, toHalf) : given;
            const keeping = search.forStore();
            const room = keeping.keep(keys.length, precision, width);
            if (room === undefined) throw new Error('there is no room');
            room.numbers.set(keys);
            room.changed(0, keys.length);
            const queries = Float32Array.from({length: 4 * width}, () => scale * random.normal());
            queries.fill(0, 3 * width);
            const query = {queries, groups: 1, width, count: 5};
            const kept = function* () {
              yield {keys: room.numbers, rows};
            };
            expect(keeping.search(kept(), query), `width ${width}, queries times ${scale}`).to.deep.equal(
              search([{keys, rows}], query),
            );
          }
      });

  /** A row that is found first, then a better one whose bound is as little above its score as it may be: scales are 1. */
  const tight: Readonly<Record<string, {query: number[]; first: number[]; better: number[]}>> = {
    'all numbers lie half-way between two codes': {
      query: Array<number>(300).fill(1),
      first: [127, ...Array<number>(299).fill(10.497)],
      better: [127, ...Array<number>(299).fill(10.499)],
    },
    'most numbers of the query are less than its codes can tell': {
      query: [65_534, ...Array<number>(299).fill(0.99)],
      first: [0, ...Array<number>(299).fill(122)],
      better: [0, ...Array<number>(299).fill(127)],
    },
    'a sum of codes is the largest that there is': {
      query: Array<number>(2000).fill(1),
      first: [127, ...Array<number>(1999).fill(126)],
      better: Array<number>(2000).fill(127),
    },
  };
  for (const [name, {query, first, better}] of Object.entries(tight))
    it(`codes pass over no row where ${name}`, async () => {
      const keeping = (await createRowSearch()).forStore();
      const width = query.length;
      const room = keeping.keep(8 * width, 'f32', width);
      if (room === undefined) throw new Error('there is no room');
      room.numbers.set(first);
      room.numbers.set(better, 4 * width);
      room.changed(0, 8 * width);
      const kept = function* () {
        yield {keys: room.numbers, rows: 8};
      };
      const {rows} = keeping.search(kept(), {
        queries: Float32Array.from(query),
        groups: 1,
        width,
        count: 1,
      });
      expect([...rows]).to.deep.equal([4]);
    });

  it('room is bounded, emptied and given again, and stays where memory grows', async () => {
    const keeping = (await createRowSearch({keptBytes: 1 << 20})).forStore();
    const first = keeping.keep(1000, 'f32', 8);
    if (first === undefined) throw new Error('there is no room');
    first.numbers.fill(7);
    const before = first.numbers;
    const next = () => keeping.keep(1 << 15, 'f16', 64);
    const others = [];
    for (let room = next(); room !== undefined; room = next()) {
      room.numbers.fill(9);
      others.push(room);
    }
    // 64 KiB of halves, 32 of codes and 2 of scales each, beside the stack's 64, within a mebibyte.
    expect(others).to.have.length(9);
    expect(before.length, 'what was asked for earlier').to.equal(0);
    expect(first.numbers).to.deep.equal(new Float32Array(1000).fill(7));
    others[3].release();
    expect(next()?.numbers).to.deep.equal(new Uint16Array(1 << 15));
    expect(next()).to.equal(undefined);
    expect(others[4].numbers).to.deep.equal(new Uint16Array(1 << 15).fill(9));
    await createRowSearch({keptBytes: -1}).then(
      () => expect.fail('was accepted'),
      (error: unknown) => expect(error).to.be.instanceOf(ArgumentError),
    );
  });

  it('halves are the numbers that they are, subnormal ones too', async () => {
    const search = await createRowSearch();
    const values = [2 ** -24, -(2 ** -15), 65504, -1.5, 0, 1 / 3, 6.1e-5, -65504];
    const keys = Uint16Array.from(values, toHalf);
    const {rows, scores} = search([{keys, rows: 8}], {
      queries: Float32Array.of(1),
      groups: 1,
      width: 1,
      count: 8,
    });
    const third = 0.333251953125;
    expect([...scores]).to.deep.equal([
      65504,
      third,
      Math.fround(6.097555160522461e-5),
      2 ** -24,
      0,
      -(2 ** -15),
      -1.5,
      -65504,
    ]);
    expect([...rows]).to.deep.equal([2, 5, 6, 0, 4, 1, 3, 7]);
  });

  it('arrays that do not fit are refused', async () => {
    const search = await createRowSearch();
    const query = {queries: new Float32Array(8), groups: 1, width: 8, count: 2};
    expect(() => search([], {...query, queries: new Float32Array(7)})).to.throw(
      ArgumentError,
      'queries must be',
    );
    expect(() => search([{keys: new Float32Array(15), rows: 2}], query)).to.throw(
      ArgumentError,
      'keys must be of 2 rows of 8 numbers, got "15 numbers"',
    );
  });
});
