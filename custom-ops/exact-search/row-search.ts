// exactSearch's kernel on arrays of a store's, without tf: rows are copied piece by piece into memory of the kernel's own,
// where they stay in the processor's cache until they are read.

import {refuse} from '../check.js';
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

/**
 * Finds the rows of all blocks with the largest inner products with each query, group by group; largest first, ties to the
 * older row. Returns numbers of rows, counted over the blocks, [n, G, R], -1 where there are fewer, and their scores.
 */
export type RowSearch = (
  blocks: Iterable<SearchedRows>,
  query: RowQuery,
) => {rows: Int32Array; scores: Float32Array};

type Add = (...numbers: number[]) => void;

const STACK_BYTES = 1 << 16;
const PAGE = 1 << 16;
/** Numbers copied at a time. */
const PIECE = 1 << 13;
const ALIGNMENT = 64;
/** kQueryScale of row-products.h. */
const QUERY_SCALE = 2 ** 56;

class SearchKernel {
  private readonly memory = new WebAssembly.Memory({initial: 2});
  private readonly add: Add;
  private used = STACK_BYTES;

  constructor(module: WebAssembly.Module) {
    const {exports} = new WebAssembly.Instance(module, {env: {memory: this.memory}});
    (exports.__stack_pointer as WebAssembly.Global).value = STACK_BYTES;
    this.add = exports.exact_search_add as Add;
  }

  search(blocks: Iterable<SearchedRows>, {queries, groups, width, count}: RowQuery) {
    const numbers = groups * width;
    const n = queries.length / numbers;
    if (!Number.isInteger(n) || n < 1)
      refuse('RowSearch', 'queries', `[n, ${groups}, ${width}]`, queries.length);
    const piece = Math.max(1, Math.floor(PIECE / numbers));
    const places = n * groups * count;
    this.used = STACK_BYTES;
    const at = {
      queries: this.take(4 * n * numbers),
      scaled: this.take(4 * n * numbers),
      limits: this.take(4 * n),
      rows: this.take(4 * places),
      scores: this.take(4 * places),
      keys: this.take(4 * piece * numbers),
      gone: this.take(piece),
    };
    const {buffer} = this.memory;
    new Float32Array(buffer, at.queries, n * numbers).set(queries);
    new Float32Array(buffer, at.scaled, n * numbers).set(queries.map(value => value * QUERY_SCALE));
    const rows = new Int32Array(buffer, at.rows, places).fill(-1);
    const scores = new Float32Array(buffer, at.scores, places).fill(NO_SCORE);
    const limits = new Int32Array(buffer, at.limits, n);
    const bytes = new Uint8Array(buffer);
    let number = 0;
    for (const block of blocks) {
      const {keys, gone} = block;
      if (block.rows * numbers > keys.length)
        refuse('RowSearch', 'keys', `of ${block.rows} rows of ${numbers} numbers`, `${keys.length} numbers`);
      const isHalf = keys instanceof Uint16Array;
      const own = new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength);
      const rowBytes = numbers * keys.BYTES_PER_ELEMENT;
      for (let from = 0; from < block.rows; from += piece) {
        const end = Math.min(block.rows, from + piece);
        bytes.set(own.subarray(from * rowBytes, end * rowBytes), at.keys);
        if (gone !== undefined) bytes.set(gone.subarray(from, end), at.gone);
        for (let i = 0; i < n; i++) limits[i] = (block.limits?.[i] ?? block.rows) - from;
        // biome-ignore format: pointers, then sizes
        this.add(
          isHalf ? at.scaled : at.queries, at.keys, gone === undefined ? 0 : at.gone, at.limits, at.rows, at.scores,
          n, end - from, number + from, groups, width, count, isHalf ? 1 : 0,
        );
      }
      number += block.rows;
    }
    return {rows: rows.slice(), scores: scores.slice()};
  }

  /** Room for so many bytes; what was taken before this search is over. */
  private take(bytes: number): number {
    const start = Math.ceil(this.used / ALIGNMENT) * ALIGNMENT;
    this.used = start + bytes;
    const lacking = this.used - this.memory.buffer.byteLength;
    if (lacking > 0) this.memory.grow(Math.ceil(lacking / PAGE));
    return start;
  }
}

/**
 * Loads exactSearch's WASM kernel for arrays that no tensor holds, such as those of a store in the process: rows in float32 or
 * as halves, whose products are summed in float32. Resolves to the search; needs no backend of tf.
 * Errors: Error where there is no WebAssembly with SIMD.
 */
export async function createRowSearch(): Promise<RowSearch> {
  const {wasmBinary} = await import('../native/wasm-binary.generated.js');
  const bytes = Uint8Array.from(atob(wasmBinary), character => character.charCodeAt(0));
  const kernel = new SearchKernel(await WebAssembly.compile(bytes));
  return (blocks, query) => kernel.search(blocks, query);
}
