// Exact search over blocks of rows: every key is read once for all queries, inner products are summed in float64. Where a
// faster search finds the rows, it finds a few more than are asked for, and they are put in order here.

import {HALF_SCALE, shiftHalves} from '../formats/half.js';
import type {RowBlock, RowSizes} from './row-block.js';
import {load, rowNumbers, rowsBefore} from './row-block.js';
import type {KeySearch, MemoryHits, MemoryQuery} from './store.js';
import {NO_SCORE} from './store.js';

/** Rows whose keys are made float32 together; they stay in the processor's first cache. */
const TILE = 64;

/** Empty hits of n queries. */
export function emptyHits({groups, width}: RowSizes, n: number, count: number): MemoryHits {
  const places = n * groups * count;
  return {
    positions: new Int32Array(places).fill(-1),
    tokens: new Int32Array(places).fill(-1),
    scores: new Float32Array(places).fill(NO_SCORE),
    keys: new Float32Array(places * width),
    values: new Float32Array(places * width),
  };
}

/** The best rows so far of every query and group: R places each, best first. */
class Best {
  readonly scores: Float64Array;
  readonly rows: Int32Array;
  readonly filled: Int32Array;

  constructor(
    lists: number,
    private readonly count: number,
  ) {
    this.scores = new Float64Array(lists * count);
    this.rows = new Int32Array(lists * count);
    this.filled = new Int32Array(lists);
  }

  /** Rows come oldest first, so that one that only equals another stays behind it. */
  offer(list: number, row: number, score: number): void {
    const {count, scores, rows, filled} = this;
    const start = list * count;
    let at = filled[list];
    if (at === count) {
      if (score <= scores[start + count - 1]) return;
      at--;
    } else filled[list]++;
    for (; at > 0 && scores[start + at - 1] < score; at--) {
      scores[start + at] = scores[start + at - 1];
      rows[start + at] = rows[start + at - 1];
    }
    scores[start + at] = score;
    rows[start + at] = row;
  }
}

/** Sum of products of two runs of numbers; four sums, so that one addition need not wait for the last. */
export function innerProduct(
  a: Float32Array,
  aFrom: number,
  b: Float32Array,
  bFrom: number,
  width: number,
): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < width; i += 4) {
    first += a[aFrom + i] * b[bFrom + i];
    second += a[aFrom + i + 1] * b[bFrom + i + 1];
    third += a[aFrom + i + 2] * b[bFrom + i + 2];
    fourth += a[aFrom + i + 3] * b[bFrom + i + 3];
  }
  for (; i < width; i++) first += a[aFrom + i] * b[bFrom + i];
  return first + second + (third + fourth);
}

/** Keys of a few rows of a block as float32 numbers, 2^-112 of them where they are stored as halves. */
class Tile {
  numbers: Float32Array;
  from = 0;
  readonly scale: number;
  private readonly scratch: Float32Array;
  private readonly bits: Uint32Array;

  constructor(sizes: RowSizes) {
    this.scratch = new Float32Array(TILE * rowNumbers(sizes));
    this.bits = new Uint32Array(this.scratch.buffer);
    this.numbers = this.scratch;
    this.scale = sizes.precision === 'f16' ? HALF_SCALE : 1;
  }

  point(keys: Uint16Array | Float32Array, from: number, count: number): void {
    if (keys instanceof Float32Array) {
      this.numbers = keys;
      this.from = from;
    } else shiftHalves(keys, from, count, this.bits);
  }
}

/** Rows beside those asked for that a faster search finds: sums in float32 may put neighbours in another order. */
const SPARE = 8;

/** Blocks oldest first. */
export function exactSearch(
  blocks: readonly RowBlock[],
  query: MemoryQuery,
  sizes: RowSizes,
  rowSearch?: KeySearch,
): MemoryHits {
  const starts: number[] = [];
  let start = 0;
  for (const block of blocks) {
    starts.push(start);
    start += block.length;
  }
  const best = new Best(query.before.length * sizes.groups, query.count);
  if (rowSearch === undefined) offerAll(blocks, starts, best, query, sizes);
  else offerFound(blocks, starts, best, query, sizes, rowSearch);
  return gather(blocks, starts, best, query, sizes);
}

/** Scores every row. */
function offerAll(
  blocks: readonly RowBlock[],
  starts: readonly number[],
  best: Best,
  {queries, before}: MemoryQuery,
  sizes: RowSizes,
): void {
  const {groups, width} = sizes;
  const numbers = rowNumbers(sizes);
  const tile = new Tile(sizes);
  const limit = before.reduce((most, one) => Math.max(most, one), 0);
  for (const [i, block] of blocks.entries()) {
    const rows = rowsBefore(block.positions, block.length, limit);
    for (let from = 0; from < rows; from += TILE) {
      const end = Math.min(rows, from + TILE);
      tile.point(block.keys, from * numbers, (end - from) * numbers);
      for (let t = 0; t < before.length; t++)
        for (let row = from; row < end && block.positions[row] < before[t]; row++) {
          if (block.left[row] !== 0) continue;
          const key = tile.from + (row - from) * numbers;
          for (let g = 0; g < groups; g++) {
            const list = t * groups + g;
            const score =
              innerProduct(queries, list * width, tile.numbers, key + g * width, width) * tile.scale;
            best.offer(list, starts[i] + row, score);
          }
        }
    }
    if (rows < block.length) return;
  }
}

/** Scores the rows that a faster search found, oldest first as `Best` wants them. */
function offerFound(
  blocks: readonly RowBlock[],
  starts: readonly number[],
  best: Best,
  {queries, count, before}: MemoryQuery,
  sizes: RowSizes,
  rowSearch: KeySearch,
): void {
  const {groups, width} = sizes;
  const numbers = rowNumbers(sizes);
  const tile = new Tile(sizes);
  // One by one: where the search's own memory grows, keys that are kept there are to be asked for behind it.
  const searched = function* () {
    for (const {keys, positions, length, gone, left} of blocks) {
      const limits = Int32Array.from(before, one => rowsBefore(positions, length, one));
      yield {keys, rows: length, limits, ...(gone > 0 ? {gone: left} : {})};
    }
  };
  const wanted = count + SPARE;
  const {rows: found} = rowSearch(searched(), {queries, groups, width, count: wanted});
  for (let list = 0; list < before.length * groups; list++) {
    const own = found.slice(list * wanted, (list + 1) * wanted).sort();
    for (const number of own) {
      if (number < 0) continue;
      const at = starts.findLastIndex(first => first <= number);
      tile.point(blocks[at].keys, (number - starts[at]) * numbers, numbers);
      const key = tile.from + (list % groups) * width;
      const score = innerProduct(queries, list * width, tile.numbers, key, width) * tile.scale;
      best.offer(list, number, score);
    }
  }
}

function gather(
  blocks: readonly RowBlock[],
  starts: readonly number[],
  {rows, scores, filled}: Best,
  {count, before}: MemoryQuery,
  sizes: RowSizes,
): MemoryHits {
  const {groups, width} = sizes;
  const numbers = rowNumbers(sizes);
  const hits = emptyHits(sizes, before.length, count);
  for (let list = 0; list < filled.length; list++)
    for (let i = 0; i < filled[list]; i++) {
      const place = list * count + i;
      const at = starts.findLastIndex(first => first <= rows[place]);
      const block = blocks[at];
      const row = rows[place] - starts[at];
      const offset = row * numbers + (list % groups) * width;
      hits.positions[place] = block.positions[row];
      hits.tokens[place] = block.tokens[row];
      hits.scores[place] = scores[place];
      load(block.keys, offset, width, hits.keys, place * width);
      load(block.values, offset, width, hits.values, place * width);
    }
  return hits;
}
