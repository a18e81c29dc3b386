// exactSearch's kernel on arrays of a store's, without tf. Keys that are kept in the kernel's own memory have codes beside them
// and are read, where they lie, only if their codes' bound asks for it; others are copied piece by piece, and stay in the
// processor's cache until they are read.

import {checkInteger, refuse} from '../check.js';
import {Arena} from './arena.js';
import {NO_SCORE} from './attributes.js';
import {encodeQueries} from './query-codes.js';

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
  /** To be called, before the next search, when numbers [from, from + count) were written; both are multiples of the width. */
  changed(from: number, count: number): void;
  /** Gives their room back, with nothing left in it. */
  release(): void;
}

/** A search that keeps the keys of one store in its own memory, where it reads them without copying. */
export interface KeepingRowSearch {
  readonly search: RowSearch;
  /**
   * Room for so many numbers, float32 or halves, in groups of `width` (Dh), and for their codes; all are 0. Undefined beyond
   * the bound, where arrays serve.
   */
  keep(count: number, precision: 'f16' | 'f32', width: number): KeptNumbers | undefined;
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
  /**
   * Bytes of keys and of their codes, one for each number and four for each Dh of them, that each store keeps in the kernel's
   * memory at most, 0 to 4 GiB. Default 1 GiB.
   */
  readonly keptBytes?: number;
}

type Kernel = (...numbers: number[]) => void;

/** Where the codes of kept keys lie. */
interface CodesAt {
  readonly codes: number;
  readonly scales: number;
}

/** Of a WASM memory. */
const MOST_BYTES = 2 ** 32;
const KEPT_BYTES = 2 ** 30;
const STACK_BYTES = 1 << 16;
/** Numbers copied at a time. */
const PIECE = 1 << 13;
const ALIGNMENT = 64;
/** kQueryScale of row-products.h. */
const QUERY_SCALE = 2 ** 56;

/** Where pieces of so many bytes begin, one behind the other, and the bytes of all. */
function laidOut(sizes: readonly number[]): {offsets: number[]; bytes: number} {
  const offsets: number[] = [];
  let bytes = 0;
  for (const size of sizes) {
    offsets.push(bytes);
    bytes += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  }
  return {offsets, bytes};
}

class SearchKernel implements KeepingRowSearch {
  readonly search: RowSearch;
  private readonly memory = new WebAssembly.Memory({initial: 2});
  private readonly arena = new Arena(this.memory, STACK_BYTES);
  private readonly add: Kernel;
  private readonly encode: Kernel;
  /** By where the keys lie. */
  private readonly codesOf = new Map<number, CodesAt>();
  private scratch = {start: 0, bytes: 0};

  constructor(
    module: WebAssembly.Module,
    private readonly keptBytes: number,
  ) {
    const {exports} = new WebAssembly.Instance(module, {env: {memory: this.memory}});
    (exports.__stack_pointer as WebAssembly.Global).value = STACK_BYTES;
    this.add = exports.exact_search_add as Kernel;
    this.encode = exports.exact_search_encode as Kernel;
    this.search = Object.assign(
      (blocks: Iterable<SearchedRows>, query: RowQuery) => this.find(blocks, query),
      {forStore: () => new SearchKernel(module, keptBytes)},
    );
  }

  keep(count: number, precision: 'f16' | 'f32', width: number): KeptNumbers | undefined {
    const Numbers = precision === 'f16' ? Uint16Array : Float32Array;
    const each = Numbers.BYTES_PER_ELEMENT;
    const {offsets, bytes} = laidOut([count * each, count, 4 * Math.ceil(count / width)]);
    const start = this.arena.take(bytes, this.keptBytes);
    if (start === undefined) return undefined;
    const {memory, arena, codesOf, encode} = this;
    const [codes, scales] = [start + offsets[1], start + offsets[2]];
    codesOf.set(start, {codes, scales});
    let numbers = new Numbers(memory.buffer, start, count);
    return {
      get numbers() {
        if (numbers.buffer !== memory.buffer) numbers = new Numbers(memory.buffer, start, count);
        return numbers;
      },
      changed: (from, changed) => {
        const row = from / width;
        // biome-ignore format: pointers, then sizes
        encode(
          start + each * from, codes + from, scales + 4 * row,
          changed / width, width, precision === 'f16' ? 1 : 0,
        );
      },
      release: () => {
        codesOf.delete(start);
        arena.release(start, bytes);
      },
    };
  }

  private find(blocks: Iterable<SearchedRows>, {queries, groups, width, count}: RowQuery) {
    const numbers = groups * width;
    const n = queries.length / numbers;
    if (!Number.isInteger(n) || n < 1)
      refuse('RowSearch', 'queries', `[n, ${groups}, ${width}]`, queries.length);
    const piece = Math.max(1, Math.floor(PIECE / numbers));
    const places = n * groups * count;
    const lists = n * groups;
    const [queriesAt, scaledAt, boundsAt, limitsAt, rowsAt, scoresAt, keysAt, goneAt, codesAt] = this.places([
      ...[n * numbers, n * numbers, 2 * lists, n, places, places, piece * numbers].map(words => 4 * words),
      piece,
      2 * n * numbers,
    ]);
    const {buffer} = this.memory;
    new Float32Array(buffer, queriesAt, n * numbers).set(queries);
    new Float32Array(buffer, scaledAt, n * numbers).set(queries.map(value => value * QUERY_SCALE));
    encodeQueries(queries, width, {
      codes: new Int16Array(buffer, codesAt, n * numbers),
      bounds: new Float32Array(buffer, boundsAt, 2 * lists),
    });
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
      const kept = isKept ? this.codesOf.get(keys.byteOffset) : undefined;
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
          isHalf ? scaledAt : queriesAt, codesAt, boundsAt, isKept ? keys.byteOffset + from * rowBytes : keysAt,
          kept === undefined ? 0 : kept.codes + from * numbers, kept === undefined ? 0 : kept.scales + 4 * from * groups,
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
    const {offsets, bytes} = laidOut(sizes);
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
