// All rows of a store in memory: streams, layers, and what may be asked of them. Nothing here waits for anything.

import {checkOrder} from './check.js';
import {emptyHits, exactSearch} from './exact-search.js';
import type {RowBlock} from './row-block.js';
import {load, rowBytes, rowNumbers} from './row-block.js';
import {RowList} from './row-list.js';
import type {
  KeepingKeySearch,
  KeySearch,
  MemoryBatch,
  MemoryFormat,
  MemoryHits,
  MemoryPart,
  MemoryQuery,
  MemorySelection,
} from './store.js';

/** Rows of one stream and layer. */
export interface SelectedRows {
  readonly stream: string;
  readonly layer: number;
  /** Ascending. */
  readonly positions: readonly number[];
}

/** Rows of a batch of a snapshot. */
const SNAPSHOT_ROWS = 1 << 12;

/** The order of names by their UTF-8 bytes, which is that of their code points. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i].codePointAt(0) ?? 0) - (right[i].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

interface Part {
  readonly stream: string;
  readonly layer: number;
  readonly rows: RowList;
}

export class RowTable {
  private readonly streams = new Map<string, Map<number, RowList>>();

  private rows_ = 0;
  private readonly keeping: KeepingKeySearch | undefined;

  /** Rows are searched by `rowSearch`, by plain loops unless one is given. */
  constructor(
    private readonly format: MemoryFormat,
    private readonly rowSearch?: KeySearch,
  ) {
    this.keeping = rowSearch?.forStore?.();
  }

  get rows(): number {
    return this.rows_;
  }

  /** Whether a row is there. */
  has(stream: string, layer: number, position: number): boolean {
    return this.streams.get(stream)?.get(layer)?.has(position) ?? false;
  }

  /** Positions that leave so that the batch may enter. Errors: MemoryStoreError when it begins before the end of what is there. */
  evictions(where: string, batch: MemoryBatch, quota: number | undefined): Int32Array {
    const rows = this.streams.get(batch.stream)?.get(batch.layer) ?? this.newList();
    checkOrder(where, batch, rows.last);
    return quota === undefined ? new Int32Array(0) : rows.evictions(batch, quota);
  }

  add(batch: MemoryBatch, evicted: Iterable<number>): void {
    let layers = this.streams.get(batch.stream);
    if (layers === undefined) {
      layers = new Map();
      this.streams.set(batch.stream, layers);
    }
    let rows = layers.get(batch.layer);
    if (rows === undefined) {
      rows = this.newList();
      layers.set(batch.layer, rows);
    }
    rows.push(batch);
    this.rows_ += batch.positions.length - rows.remove(evicted);
  }

  search(query: MemoryQuery): MemoryHits {
    const rows = this.streams.get(query.stream)?.get(query.layer);
    return rows === undefined
      ? emptyHits(this.format, query.before.length, query.count)
      : exactSearch(rows.blocks, query, this.format, this.keeping?.search ?? this.rowSearch);
  }

  select(selection: MemorySelection): SelectedRows[] {
    return this.parts(selection).map(({stream, layer, rows}) => {
      const positions: number[] = [];
      for (const {block, row} of rows.places())
        if (isSelected(selection, stream, layer, block, row)) positions.push(block.positions[row]);
      return {stream, layer, positions};
    });
  }

  remove(selected: readonly SelectedRows[]): number {
    let removed = 0;
    for (const {stream, layer, positions} of selected) {
      const layers = this.streams.get(stream);
      const rows = layers?.get(layer);
      if (rows === undefined) continue;
      removed += rows.remove(positions);
      if (rows.rows === 0) layers?.delete(layer);
      if (layers?.size === 0) this.streams.delete(stream);
    }
    this.rows_ -= removed;
    return removed;
  }

  /** Batches of the rows that are there when the first is asked for. */
  *snapshot(selection: MemorySelection): Generator<Required<MemoryBatch>> {
    const pinned = this.parts(selection).map(({stream, layer, rows}) => ({
      stream,
      layer,
      blocks: rows.blocks.map(block => ({block, length: block.length})),
    }));
    const blocks = pinned.flatMap(part => part.blocks.map(({block}) => block));
    for (const block of blocks) block.pin();
    try {
      for (const part of pinned)
        for (const {block, length} of part.blocks) {
          const rows: number[] = [];
          for (let row = 0; row < length; row++)
            if (block.left[row] === 0 && isSelected(selection, part.stream, part.layer, block, row))
              rows.push(row);
          for (let from = 0; from < rows.length; from += SNAPSHOT_ROWS)
            yield this.batchOf(part, block, rows.slice(from, from + SNAPSHOT_ROWS));
        }
    } finally {
      for (const block of blocks) block.unpin();
    }
  }

  statistics(): {parts: MemoryPart[]; rows: number; bytes: number} {
    const parts = this.parts({streams: 'all'}).map(({stream, layer, rows}) => {
      let [sum, first] = [0, -1];
      for (const {block, row} of rows.places()) {
        if (first < 0) first = block.positions[row];
        sum += block.innovations[row];
      }
      return {stream, layer, rows: rows.rows, first, last: rows.last, innovation: sum / rows.rows};
    });
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    return {parts, rows, bytes: rows * rowBytes(this.format)};
  }

  private newList(): RowList {
    return new RowList(this.format, this.keeping);
  }

  /** Parts with rows, by stream and layer. */
  private parts({streams, layer}: MemorySelection): Part[] {
    const names = [...this.streams.keys()].filter(name => streams === 'all' || streams.includes(name));
    return names.sort(compareNames).flatMap(stream =>
      [...(this.streams.get(stream) ?? [])]
        .filter(([own, rows]) => (layer === undefined || own === layer) && rows.rows > 0)
        .sort(([a], [b]) => a - b)
        .map(([own, rows]) => ({stream, layer: own, rows})),
    );
  }

  private batchOf(
    {stream, layer}: Pick<Part, 'stream' | 'layer'>,
    block: RowBlock,
    rows: readonly number[],
  ): Required<MemoryBatch> {
    const numbers = rowNumbers(this.format);
    const keys = new Float32Array(rows.length * numbers);
    const values = new Float32Array(rows.length * numbers);
    for (const [i, row] of rows.entries()) {
      load(block.keys, row * numbers, numbers, keys, i * numbers);
      load(block.values, row * numbers, numbers, values, i * numbers);
    }
    return {
      stream,
      layer,
      positions: Int32Array.from(rows, row => block.positions[row]),
      innovations: Float32Array.from(rows, row => block.innovations[row]),
      tokens: Int32Array.from(rows, row => block.tokens[row]),
      keys,
      values,
    };
  }
}

function isSelected(
  {from = 0, before = Infinity, where}: MemorySelection,
  stream: string,
  layer: number,
  block: RowBlock,
  row: number,
): boolean {
  const position = block.positions[row];
  if (position < from || position >= before) return false;
  return (
    where === undefined ||
    where({stream, layer, position, innovation: block.innovations[row], token: block.tokens[row]})
  );
}
