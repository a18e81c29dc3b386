// Codes of rows: the bound that they give, and that a search which passes rows over by it finds what one finds without.

import {expect} from 'chai';
import {encodeQueries, ROW_LEVELS} from '../../custom-ops/exact-search/query-codes.js';
import type {RowQuery, RowSearch, SearchedRows} from '../../custom-ops/exact-search/row-search.js';
import {createRowSearch} from '../../custom-ops/exact-search/row-search.js';
import {wasmBinary} from '../../custom-ops/native/wasm-binary.generated.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import {fromHalves, toHalf} from '../../formats/half.js';

type Keys = Float32Array | Uint16Array;
type Precision = 'f16' | 'f32';

const random = seededRandom(23);
const normal = (): number => random.normal();
const sign = (): number => (random.uniform() < 0.5 ? -1 : 1);

/** Numbers that a query and its rows are made of, by the number's place d in the row. */
interface Family {
  readonly row: (d: number) => number;
  readonly query: (d: number) => number;
}

/** A row's scale is 1/8, and all but its first number lie in the middle of two codes, of which the even one is taken. */
const middle = (d: number, level: number): number => (d === 0 ? ROW_LEVELS / 8 : level / 8);
/** A query's scale is 1 where width allows for it, and all but its largest number lie just below the middle of two codes. */
const betweenCodes = (d: number): number => (d === 0 ? 0 : d === 1 ? 32767 : 100.499);

const families: Readonly<Record<string, Family>> = {
  normal: {row: normal, query: normal},
  'one number far above the others': {row: d => (d === 1 ? 300 * normal() : normal()), query: normal},
  'codes that are all too small': {row: d => middle(d, 126.5), query: betweenCodes},
  'codes that are all too small, of few numbers that differ': {
    row: d => middle(d, random.uniform() < 0.03 ? 126.4375 : 126.5),
    query: betweenCodes,
  },
  'codes that are all too large': {row: d => -middle(d, 126.5), query: betweenCodes},
  'codes of small numbers': {row: d => middle(d, random.uniform() < 0.5 ? 0.5 : 2.5), query: betweenCodes},
  'numbers alike but for their last bit': {
    row: () => 1 + Math.round(random.uniform()) / 1024,
    query: () => 0.37,
  },
  'a query of one number': {row: normal, query: d => (d === 1 ? 1 : 0)},
  'subnormal halves': {row: () => sign() * 2 ** -24 * Math.floor(4 * random.uniform()), query: normal},
  'the largest halves': {row: () => sign() * (random.uniform() < 0.5 ? 65504 : 65472), query: normal},
  'an empty query': {row: normal, query: () => 0},
  'a subnormal query': {row: normal, query: () => 1e-42 * normal()},
  'the least and the largest coded query': {row: normal, query: d => (d === 0 ? 2 ** 59 : 2 ** -59)},
  zeros: {row: () => (random.uniform() < 0.9 ? 0 : normal()), query: normal},
};
/** Queries that have no codes. */
const extremeQueries: Readonly<Record<string, Family>> = {
  'a query too large for codes': {row: normal, query: () => 1e25 * normal()},
  'a query of NaN': {row: normal, query: d => (d === 2 ? Number.NaN : normal())},
  'an infinite query': {row: normal, query: d => (d === 2 ? Infinity : 1)},
};
/** Rows of float32 alone. */
const extremeRows: Readonly<Record<string, Family>> = {
  'rows too small for codes': {row: () => 1e-30 * normal(), query: normal},
  'rows too large for codes': {row: () => 1e30 * normal(), query: () => 1e-12 * normal()},
  'some rows too small and some too large': {row: () => 10 ** (80 * random.uniform() - 40), query: normal},
  'small rows and a query whose codes overflow': {row: () => -1e-15 * random.uniform(), query: () => 1e38},
  'subnormal rows': {row: () => 1e-42 * normal(), query: normal},
  'rows whose sums overflow': {row: () => 3e38 * sign(), query: normal},
  'rows with NaN': {row: () => (random.uniform() < 0.01 ? Number.NaN : normal()), query: normal},
  'infinite rows': {row: () => (random.uniform() < 0.01 ? Infinity : normal()), query: normal},
};

const made = (rows: number, width: number, number: (d: number) => number): Float32Array =>
  Float32Array.from({length: rows * width}, (_, i) => number(i % width));

const stored = (numbers: Float32Array, precision: Precision): Keys =>
  precision === 'f16' ? Uint16Array.from(numbers, toHalf) : numbers;

function numbersOf(keys: Keys): Float32Array {
  if (keys instanceof Float32Array) return keys;
  const numbers = new Float32Array(keys.length);
  fromHalves(keys, 0, keys.length, numbers, 0);
  return numbers;
}

let compiled: WebAssembly.Module | undefined;

function kernels(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(wasmBinary), one => one.charCodeAt(0)));
  return compiled;
}

/** The kernel's codes and scales of rows. */
function encoded(keys: Keys, width: number): {codes: Int8Array; scales: Float32Array} {
  const [at, rows] = [1 << 16, keys.length / width];
  const [scalesAt, codesAt] = [at + keys.byteLength, at + keys.byteLength + 4 * rows];
  const memory = new WebAssembly.Memory({initial: Math.ceil((codesAt + keys.length) / 65536)});
  const {exports} = new WebAssembly.Instance(kernels(), {env: {memory}});
  new Uint8Array(memory.buffer, at).set(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength));
  const encode = exports.exact_search_encode as (...numbers: number[]) => void;
  encode(at, codesAt, scalesAt, rows, width, keys instanceof Uint16Array ? 1 : 0);
  return {
    codes: new Int8Array(memory.buffer, codesAt, keys.length),
    scales: new Float32Array(memory.buffer, scalesAt, rows),
  };
}

/** A row's bound, each operation rounded as the kernel's. */
function boundOf(product: number, rowScale: number, [scale, spread]: Float32Array): number {
  const {fround} = Math;
  return fround(rowScale * fround(fround(fround(product) * scale) + spread));
}

describe('codes of rows', () => {
  for (const precision of ['f16', 'f32'] as const)
    it(`no number is further from its code than half of the scale, ${precision}`, () => {
      const rows = precision === 'f16' ? families : {...families, ...extremeRows};
      for (const {row} of Object.values(rows)) {
        const keys = stored(made(40, 21, row), precision);
        const {codes, scales} = encoded(keys, 21);
        for (const [i, number] of numbersOf(keys).entries()) {
          const scale = scales[Math.floor(i / 21)];
          if (Number.isNaN(scale)) continue;
          expect(Math.abs(codes[i])).to.be.at.most(ROW_LEVELS);
          expect(Math.abs(number - scale * codes[i])).to.be.at.most(scale * (0.5 + 2 ** -16));
        }
      }
    });

  it('what cannot be coded has no scale, and a row of zeros the scale 0', () => {
    const row = (number: number) => Float32Array.of(0, number);
    const scaleOf = (number: number) => encoded(row(number), 2).scales[0];
    for (const number of [2 ** -61, 1.01 * 2 ** 60, 1e-42, 3e38, Infinity, -Infinity, Number.NaN])
      expect(scaleOf(number), String(number)).to.be.NaN;
    for (const number of [2 ** -60, 2 ** 60, 1])
      expect(scaleOf(number)).to.equal(Math.fround(number / ROW_LEVELS));
    expect(scaleOf(0)).to.equal(0);
    expect(scaleOf(-0)).to.equal(0);
  });

  for (const width of [3, 64, 100, 600])
    it(`no row scores above its bound, Dh ${width}`, () => {
      for (const [name, {row, query}] of Object.entries(families)) {
        const rows = 60;
        const queries = made(1, width, query);
        const asked = {codes: new Int16Array(width), bounds: new Float32Array(2)};
        encodeQueries(queries, width, asked);
        for (const precision of ['f16', 'f32'] as const) {
          const keys = stored(made(rows, width, row), precision);
          const {codes, scales} = encoded(keys, width);
          const numbers = numbersOf(keys);
          for (let n = 0; n < rows; n++) {
            let [score, product] = [0, 0];
            for (let d = 0; d < width; d++) {
              score += queries[d] * numbers[n * width + d];
              product += asked.codes[d] * codes[n * width + d];
            }
            expect(Math.abs(product), 'fits an int32').to.be.below(2 ** 31);
            expect(boundOf(product, scales[n], asked.bounds), `${name}, ${precision}`).to.be.at.least(score);
          }
        }
      }
    });
});

/** What a search finds in the same blocks, kept with their codes. */
function withCodes(search: RowSearch, blocks: readonly SearchedRows[], query: RowQuery) {
  const keeping = search.forStore();
  const rooms = blocks.map(({keys}) => {
    const room = keeping.keep(keys.length, keys instanceof Uint16Array ? 'f16' : 'f32', query.width);
    if (room === undefined) throw new Error('there is no room');
    room.numbers.set(keys);
    room.changed(0, keys.length);
    return room;
  });
  const kept = function* () {
    for (const [i, block] of blocks.entries()) yield {...block, keys: rooms[i].numbers};
  };
  return keeping.search(kept(), query);
}

/** Rows [rows, own] in the order of their products with a query that is repeated along them. */
function ascending(numbers: Float32Array, own: number, query: Float32Array): Float32Array {
  const rows = Array.from({length: numbers.length / own}, (_, n) => {
    const row = numbers.subarray(n * own, (n + 1) * own);
    return {row, score: row.reduce((sum, number, d) => sum + number * query[d % query.length], 0)};
  });
  rows.sort((a, b) => a.score - b.score);
  return Float32Array.from(rows.flatMap(({row}) => [...row]));
}

/** Groups, width Dh and rows R that are asked for. */
const shapes = [
  [1, 64, 4],
  [2, 45, 1],
  [3, 5, 24],
] as const;

describe('a search with codes finds what one without finds, bit for bit', () => {
  let search: RowSearch;
  before(async () => {
    search = await createRowSearch();
  });

  for (const precision of ['f16', 'f32'] as const)
    for (const [name, {row, query}] of Object.entries({
      ...families,
      ...extremeQueries,
      ...(precision === 'f32' ? extremeRows : {}),
    }))
      it(`${name}, ${precision}`, async () => {
        for (const [groups, width, count] of shapes) {
          const own = groups * width;
          const queries = made(2 * groups, width, query);
          const numbers = made(600, own, d => row(d % width));
          const keys = stored(numbers, precision);
          const more = stored(
            made(64, own, d => row(d % width)),
            precision,
          );
          const sorted = stored(ascending(numbers, own, queries.subarray(0, width)), precision);
          const alike = keys.slice();
          for (let from = own; from < alike.length; from += own) alike.copyWithin(from, 0, own);
          const gone = Uint8Array.from({length: 600}, () => (random.uniform() < 0.3 ? 1 : 0));
          const limits = Int32Array.of(500, 33);
          const rows = 600;
          for (const blocks of [
            // Of the second, rows lie behind those that are searched.
            [
              {keys, rows},
              {keys: more, rows: 61},
            ],
            [
              {keys, rows, gone},
              {keys: more, rows: 61},
              {keys, rows, limits},
            ],
            [
              {keys: sorted, rows},
              {keys, rows},
            ],
            [
              {keys: alike, rows},
              {keys: sorted, rows},
            ],
          ]) {
            const asked = {queries, groups, width, count};
            expect(withCodes(search, blocks, asked)).to.deep.equal(search(blocks, asked));
          }
        }
      });

  it('whatever the bits of halves are', async () => {
    const keys = Uint16Array.from({length: 64 * 900}, () => Math.floor(65536 * random.uniform()));
    const query = {queries: made(1, 64, normal), groups: 1, width: 64, count: 9};
    expect(withCodes(search, [{keys, rows: 900}], query)).to.deep.equal(search([{keys, rows: 900}], query));
  });

  it('nothing is read of a row that is passed over: its keys may be anything', async () => {
    const keeping = search.forStore();
    const [width, rows] = [64, 4000];
    const room = keeping.keep(rows * width, 'f32', width);
    if (room === undefined) throw new Error('there is no room');
    room.numbers.set(made(rows, width, d => (d === 0 ? random.uniform() : 0)));
    room.numbers[0] = 2;
    room.changed(0, rows * width);
    const poison = 100;
    room.numbers.fill(Number.NaN, poison * width);
    room.numbers[poison * width] = 1e30;
    const query = {queries: made(1, width, d => (d === 0 ? 1 : 0)), groups: 1, width, count: 1};
    const blocks = function* () {
      yield {keys: room.numbers, rows};
    };
    const found = keeping.search(blocks(), query);
    expect([...found.rows, ...found.scores]).to.deep.equal([0, 2]);
    // Once they are told of they count.
    room.numbers.fill(0, poison * width);
    room.numbers[poison * width] = 3;
    room.changed(poison * width, width);
    const told = keeping.search(blocks(), query);
    expect([...told.rows, ...told.scores]).to.deep.equal([poison, 3]);
  });
});
