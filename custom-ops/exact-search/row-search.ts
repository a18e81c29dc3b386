// exactSearch's kernel on arrays of a store's, without tf. Keys that are kept in the kernel's own memory are read where they
// lie; others are copied piece by piece, and stay in the processor's cache until they are read.

import {checkInteger, refuse} from '../check.js';
import {Arena} from './arena.js';
import {NO_SCORE} from './attributes.js';

/** A block of stored rows that {@link RowSearch} looks through. */
export interface SearchedRows {
  /** Rows [rows, G, Dh]: float32, or the bits of halves (binary16) that are finite. */
  readonly keys: Float32Array | Uint16Array;
  /** How many rows of the block there are. */
  readonly rows: number;
  /** How many of them each query may find, [n]. Default all. */
  readonly limits?: Int32Array;
  /** Not 0 for rows that are never found, [rows]. Default none. */
  readonly gone?: Uint8Array;
}

/** Queries, and how many rows to find for each, as {@link RowSearch} takes them. */
export interface RowQuery {
  /** Queries, [n, G, Dh]. */
  readonly queries: Float32Array;
  readonly groups: number;
  readonly width: number;
  /** Rows R to find for each query and group. */
  readonly count: number;
}

/** Numbers of keys in the memory of a {@link KeepingRowSearch}. */
export interface KeptNumbers {
  /** The numbers; whoever kept more or searched asks for them anew, since the memory may have grown elsewhere. */
  readonly numbers: Float32Array | Uint16Array;
  /** Gives their room back, with nothing left in it. */
  release(): void;
}

/** A search that keeps the keys of one store in its own memory, where it reads them without copying. */
export interface KeepingRowSearch {
  readonly search: RowSearch;
  /** Room for so many numbers, float32 or halves; undefined beyond the bound, where arrays serve. */
  keep(count: number, precision: 'f16' | 'f32'): KeptNumbers | undefined;
}

/**
 * Finds the rows of all blocks with the largest inner products with each query, group by group; largest first, ties to the
 * older row. Returns numbers of rows, counted over the blocks, [n, G, R], -1 where there are fewer, and their scores.
 */
export interface RowSearch {
  (blocks: Iterable<SearchedRows>, query: RowQuery): {rows: Int32Array; scores: Float32Array};
  /** The same search with memory of its own for the keys of one store, which goes with it. */
  forStore(): KeepingRowSearch;
}

/** Options of {@link createRowSearch}, all of which may be left out. */
export interface RowSearchOptions {
  /** Bytes of keys that each store keeps in the kernel's memory at most, 0 to 4 GiB. Default 1 GiB. */
  readonly keptBytes?: number;
}

type Add = (...numbers: number[]) => void;

/** Of a WASM memory. */
const MOST_BYTES = 2 ** 32;
const KEPT_BYTES = 2 ** 30;
const STACK_BYTES = 1 << 16;
/** Numbers copied at a time. */
const PIECE = 1 << 13;
const ALIGNMENT = 64;
/** kQueryScale of row-products.h. */
const QUERY_SCALE = 2 ** 56;

class SearchKernel implements KeepingRowSearch {
  readonly search: RowSearch;
  private readonly memory = new WebAssembly.Memory({initial: 2});
  private readonly arena = new Arena(this.memory, STACK_BYTES);
  private readonly add: Add;
  private scratch = {start: 0, bytes: 0};

  constructor(
    module: WebAssembly.Module,
    private readonly keptBytes: number,
  ) {
    const {exports} = new WebAssembly.Instance(module, {env: {memory: this.memory}});
    (exports.__stack_pointer as WebAssembly.Global).value = STACK_BYTES;
    this.add = exports.exact_search_add as Add;
    this.search = Object.assign(
      (blocks: Iterable<SearchedRows>, query: RowQuery) => this.find(blocks, query),
      {forStore: () => new SearchKernel(module, keptBytes)},
    );
  }

  keep(count: number, precision: 'f16' | 'f32'): KeptNumbers | undefined {
    const Numbers = precision === 'f16' ? Uint16Array : Float32Array;
    const bytes = count * Numbers.BYTES_PER_ELEMENT;
    const start = this.arena.take(bytes, this.keptBytes);
    if (start === undefined) return undefined;
    const {memory, arena} = this;
    let numbers = new Numbers(memory.buffer, start, count);
    return {
      get numbers() {
        if (numbers.buffer !== memory.buffer) numbers = new Numbers(memory.buffer, start, count);
        return numbers;
      },
      release: () => arena.release(start, bytes),
    };
  }

  private find(blocks: Iterable<SearchedRows>, {queries, groups, width, count}: RowQuery) {
    const numbers = groups * width;
    const n = queries.length / numbers;
    if (!Number.isInteger(n) || n < 1)
      refuse('RowSearch', 'queries', `[n, ${groups}, ${width}]`, queries.length);
    const piece = Math.max(1, Math.floor(PIECE / numbers));
    const places = n * groups * count;
    const [queriesAt, scaledAt, limitsAt, rowsAt, scoresAt, keysAt, goneAt] = this.places([
      ...[n * numbers, n * numbers, n, places, places, piece * numbers].map(words => 4 * words),
      piece,
    ]);
    const {buffer} = this.memory;
    new Float32Array(buffer, queriesAt, n * numbers).set(queries);
    new Float32Array(buffer, scaledAt, n * numbers).set(queries.map(value => value * QUERY_SCALE));
    const rows = new Int32Array(buffer, rowsAt, places).fill(-1);
    const scores = new Float32Array(buffer, scoresAt, places).fill(NO_SCORE);
    const limits = new Int32Array(buffer, limitsAt, n);
    const bytes = new Uint8Array(buffer);
    let number = 0;
    for (const block of blocks) {
      const {keys, gone} = block;
      if (block.rows * numbers > keys.length)
        refuse('RowSearch', 'keys', `of ${block.rows} rows of ${numbers} numbers`, `${keys.length} numbers`);
      const isHalf = keys instanceof Uint16Array;
      const isKept = keys.buffer === buffer;
      const own = new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength);
      const rowBytes = numbers * keys.BYTES_PER_ELEMENT;
      const step = isKept && gone === undefined ? block.rows : piece;
      for (let from = 0; from < block.rows; from += step) {
        const end = Math.min(block.rows, from + step);
        if (!isKept) bytes.set(own.subarray(from * rowBytes, end * rowBytes), keysAt);
        if (gone !== undefined) bytes.set(gone.subarray(from, end), goneAt);
        for (let i = 0; i < n; i++) limits[i] = (block.limits?.[i] ?? block.rows) - from;
        // biome-ignore format: pointers, then sizes
        this.add(
          isHalf ? scaledAt : queriesAt, isKept ? keys.byteOffset + from * rowBytes : keysAt,
          gone === undefined ? 0 : goneAt, limitsAt, rowsAt, scoresAt,
          n, end - from, number + from, groups, width, count, isHalf ? 1 : 0,
        );
      }
      number += block.rows;
    }
    return {rows: rows.slice(), scores: scores.slice()};
  }

  /** Where pieces of so many bytes begin, one behind the other; what another search had there is over. */
  private places(sizes: readonly number[]): number[] {
    const offsets: number[] = [];
    let bytes = 0;
    for (const size of sizes) {
      offsets.push(bytes);
      bytes += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    }
    if (bytes > this.scratch.bytes) {
      const start = this.arena.take(bytes, MOST_BYTES);
      if (start === undefined) throw new Error(`RowSearch: no memory for ${bytes} bytes beside the keys`);
      if (this.scratch.bytes > 0) this.arena.release(this.scratch.start, this.scratch.bytes);
      this.scratch = {start, bytes};
    }
    return offsets.map(offset => this.scratch.start + offset);
  }
}

/**
 * Loads exactSearch's WASM kernel for arrays that no tensor holds, such as those of a store in the process: rows in float32 or
 * as halves, whose products are summed in float32. Resolves to the search; needs no backend of tf.
 * Errors: ArgumentError for a bound that is none; Error where there is no WebAssembly with SIMD.
 */
export async function createRowSearch({keptBytes = KEPT_BYTES}: RowSearchOptions = {}): Promise<RowSearch> {
  checkInteger('createRowSearch', 'keptBytes', keptBytes, 0, MOST_BYTES);
  const {wasmBinary} = await import('../native/wasm-binary.generated.js');
  const bytes = Uint8Array.from(atob(wasmBinary), character => character.charCodeAt(0));
  const module = await WebAssembly.compile(bytes);
  return new SearchKernel(module, keptBytes).search;
}
