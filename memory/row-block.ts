// Rows in typed arrays, ascending by position: what a store in process is made of. A block grows to a bound and then another
// begins, so that no append copies more than a block.

import {fromHalves, toHalves} from '../formats/half.js';
import type {KeepingKeySearch, KeptKeys, MemoryBatch, MemoryFormat} from './store.js';

/** Numbers as they are stored: bits of binary16, or float32. */
export type StoredNumbers = Uint16Array | Float32Array;

/** Rows in a block that is full. */
export const BLOCK_ROWS = 1 << 14;
const LEAST_ROWS = 1 << 6;

export type RowSizes = Pick<MemoryFormat, 'groups' | 'width' | 'precision'>;

/** Where blocks may put their keys; without it, in arrays. */
export type KeyRoom = Pick<KeepingKeySearch, 'keep'>;

/** Numbers of one row's keys, and as many of its values. */
export function rowNumbers({groups, width}: RowSizes): number {
  return groups * width;
}

/** Bytes of one row's keys and values. */
export function rowBytes(sizes: RowSizes): number {
  return 2 * rowNumbers(sizes) * (sizes.precision === 'f16' ? 2 : 4);
}

export function storedNumbers({precision}: RowSizes, length: number): StoredNumbers {
  return precision === 'f16' ? new Uint16Array(length) : new Float32Array(length);
}

/** Writes float32 numbers as they are stored. */
export function store(numbers: Float32Array, into: StoredNumbers, at: number): void {
  if (into instanceof Uint16Array) toHalves(numbers, into, at);
  else into.set(numbers, at);
}

/** Reads stored numbers as float32. */
export function load(
  stored: StoredNumbers,
  from: number,
  count: number,
  into: Float32Array,
  at: number,
): void {
  if (stored instanceof Uint16Array) fromHalves(stored, from, count, into, at);
  else into.set(stored.subarray(from, from + count), at);
}

/** Where the first of ascending positions is that is not below `limit`. */
export function rowsBefore(positions: Int32Array, length: number, limit: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class RowBlock {
  length = 0;
  /** Rows that left: they keep their place until the block is made anew. */
  gone = 0;
  private pins = 0;
  private isDropped = false;
  positions = new Int32Array(LEAST_ROWS);
  innovations = new Float32Array(LEAST_ROWS);
  tokens = new Int32Array(LEAST_ROWS);
  /** 1 for a row that left. */
  left = new Uint8Array(LEAST_ROWS);
  values: StoredNumbers;
  /** Keys: in the search's memory while there is room, else in an array. */
  private held:
    | KeptKeys
    | (Pick<KeptKeys, 'numbers'> & {readonly changed?: undefined; readonly release?: undefined});

  constructor(
    private readonly sizes: RowSizes,
    private readonly room?: KeyRoom,
  ) {
    this.held = this.hold(LEAST_ROWS);
    this.values = storedNumbers(sizes, LEAST_ROWS * rowNumbers(sizes));
  }

  get keys(): StoredNumbers {
    return this.held.numbers;
  }

  /** Whether a snapshot reads it: then its rows stay as they are. */
  get isPinned(): boolean {
    return this.pins > 0;
  }

  pin(): void {
    this.pins++;
  }

  unpin(): void {
    this.pins--;
    if (this.isDropped) this.drop();
  }

  /** Lets go of a block that is no longer part of anything, once no snapshot reads it. */
  drop(): void {
    this.isDropped = true;
    if (!this.isPinned) this.held.release?.();
  }

  get live(): number {
    return this.length - this.gone;
  }

  get last(): number {
    return this.positions[this.length - 1];
  }

  get space(): number {
    return BLOCK_ROWS - this.length;
  }

  /** Adds rows [from, from + count) of a batch; they must fit. */
  push(batch: MemoryBatch, from: number, count: number): void {
    this.reserve(this.length + count);
    const numbers = rowNumbers(this.sizes);
    const at = this.length;
    this.positions.set(batch.positions.subarray(from, from + count), at);
    this.innovations.set(batch.innovations.subarray(from, from + count), at);
    if (batch.tokens === undefined) this.tokens.fill(-1, at, at + count);
    else this.tokens.set(batch.tokens.subarray(from, from + count), at);
    store(batch.keys.subarray(from * numbers, (from + count) * numbers), this.keys, at * numbers);
    this.held.changed?.(at * numbers, count * numbers);
    store(batch.values.subarray(from * numbers, (from + count) * numbers), this.values, at * numbers);
    this.length += count;
  }

  /** Adds a row of another block of the same sizes; it must fit. */
  pushRow(other: RowBlock, row: number): void {
    this.reserve(this.length + 1);
    const numbers = rowNumbers(this.sizes);
    const at = this.length++;
    this.positions[at] = other.positions[row];
    this.innovations[at] = other.innovations[row];
    this.tokens[at] = other.tokens[row];
    this.keys.set(other.keys.subarray(row * numbers, (row + 1) * numbers), at * numbers);
    this.held.changed?.(at * numbers, numbers);
    this.values.set(other.values.subarray(row * numbers, (row + 1) * numbers), at * numbers);
  }

  /** The row at a position that is still there, or -1. */
  find(position: number): number {
    const row = rowsBefore(this.positions, this.length, position);
    return row < this.length && this.positions[row] === position && this.left[row] === 0 ? row : -1;
  }

  /** Takes a row away: nothing finds it, and its numbers are gone. */
  remove(row: number): void {
    const numbers = rowNumbers(this.sizes);
    this.left[row] = 1;
    this.gone++;
    this.keys.fill(0, row * numbers, (row + 1) * numbers);
    this.held.changed?.(row * numbers, numbers);
    this.values.fill(0, row * numbers, (row + 1) * numbers);
  }

  /** Lets go of rows that left at the end, so that the last row is one that is there. */
  trim(): void {
    for (; this.length > 0 && this.left[this.length - 1] === 1; this.length--) {
      this.left[this.length - 1] = 0;
      this.gone--;
    }
  }

  /** The rows that are there, in a block of their own. */
  compacted(): RowBlock {
    const block = new RowBlock(this.sizes, this.room);
    for (let row = 0; row < this.length; row++) if (this.left[row] === 0) block.pushRow(this, row);
    return block;
  }

  private reserve(rows: number): void {
    const capacity = this.positions.length;
    if (rows <= capacity) return;
    let grown = capacity;
    while (grown < rows) grown *= 2;
    const numbers = rowNumbers(this.sizes);
    const copy = <T extends Int32Array | Float32Array | Uint8Array | StoredNumbers>(old: T, into: T): T => {
      into.set(old);
      return into;
    };
    this.positions = copy(this.positions, new Int32Array(grown));
    this.innovations = copy(this.innovations, new Float32Array(grown));
    this.tokens = copy(this.tokens, new Int32Array(grown));
    this.left = copy(this.left, new Uint8Array(grown));
    this.values = copy(this.values, storedNumbers(this.sizes, grown * numbers));
    const [old, held] = [this.held, this.hold(grown)];
    held.numbers.set(old.numbers);
    held.changed?.(0, old.numbers.length);
    old.release?.();
    this.held = held;
  }

  private hold(rows: number): RowBlock['held'] {
    const count = rows * rowNumbers(this.sizes);
    return (
      this.room?.keep(count, this.sizes.precision, this.sizes.width) ?? {
        numbers: storedNumbers(this.sizes, count),
      }
    );
  }
}
