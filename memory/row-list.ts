// The rows of one stream in one layer, ascending by position, in blocks.

import {LowestFirst} from './lowest-first.js';
import type {KeyRoom, RowSizes} from './row-block.js';
import {BLOCK_ROWS, RowBlock} from './row-block.js';
import type {MemoryBatch} from './store.js';

/** A row's place; it holds until a row leaves. */
export interface RowPlace {
  readonly block: RowBlock;
  readonly row: number;
}

export class RowList {
  private blocks_: RowBlock[] = [];
  private rows_ = 0;
  private lowest: LowestFirst | undefined;

  constructor(
    private readonly sizes: RowSizes,
    private readonly room?: KeyRoom,
  ) {}

  get blocks(): readonly RowBlock[] {
    return this.blocks_;
  }

  get rows(): number {
    return this.rows_;
  }

  /** Highest position that is there; -1 without rows. */
  get last(): number {
    return this.blocks_.at(-1)?.last ?? -1;
  }

  push(batch: MemoryBatch): void {
    const n = batch.positions.length;
    for (let from = 0; from < n; ) {
      let block = this.blocks_.at(-1);
      if (block === undefined || block.space === 0) {
        block = new RowBlock(this.sizes, this.room);
        this.blocks_.push(block);
      }
      const count = Math.min(block.space, n - from);
      block.push(batch, from, count);
      from += count;
    }
    this.rows_ += n;
    if (this.lowest !== undefined)
      for (let i = 0; i < n; i++) this.lowest.push(batch.innovations[i], batch.positions[i]);
  }

  *places(): Generator<RowPlace> {
    for (const block of this.blocks_)
      for (let row = 0; row < block.length; row++) if (block.left[row] === 0) yield {block, row};
  }

  has(position: number): boolean {
    const block = this.blockOf(position);
    return block !== undefined && block.find(position) >= 0;
  }

  /** Positions that leave so that `quota` rows are left once the batch is in; rows of the batch may be among them. */
  evictions(batch: MemoryBatch, quota: number): Int32Array {
    const excess = this.rows_ + batch.positions.length - quota;
    if (excess <= 0) return new Int32Array(0);
    const heap = this.heap();
    const arriving = new LowestFirst();
    for (const [i, position] of batch.positions.entries()) arriving.push(batch.innovations[i], position);
    const out: number[] = [];
    const kept: {innovation: number; position: number}[] = [];
    let [old, young] = [this.popLive(heap), arriving.pop()];
    while (out.length < excess) {
      // Equal ones: the older, which the batch's never is.
      if (young === undefined || (old !== undefined && old.innovation <= young.innovation)) {
        if (old === undefined) break;
        out.push(old.position);
        kept.push(old);
        old = this.popLive(heap, old.position);
      } else {
        out.push(young.position);
        young = arriving.pop();
      }
    }
    // Nothing has left yet: the update may still fail.
    if (old !== undefined) kept.push(old);
    for (const {innovation, position} of kept) heap.push(innovation, position);
    return Int32Array.from(out).sort();
  }

  remove(positions: Iterable<number>): number {
    let removed = 0;
    const touched = new Set<RowBlock>();
    for (const position of positions) {
      const block = this.ownBlockOf(position);
      const row = block?.find(position) ?? -1;
      if (block === undefined || row < 0) continue;
      block.remove(row);
      touched.add(block);
      removed++;
    }
    this.rows_ -= removed;
    for (const block of touched) this.tidy(block);
    return removed;
  }

  private blockOf(position: number): RowBlock | undefined {
    return this.blocks_.find(block => position <= block.last);
  }

  /** The block of a position, made anew where a snapshot reads the old one. */
  private ownBlockOf(position: number): RowBlock | undefined {
    const block = this.blockOf(position);
    if (block === undefined || !block.isPinned) return block;
    return this.compact(block);
  }

  /** Makes a block anew once more than half of it has left, together with the one before it where both fit. */
  private tidy(block: RowBlock): void {
    block.trim();
    if (block.length > 0 && 2 * block.gone <= block.length) return;
    const at = this.blocks_.indexOf(block);
    const before = this.blocks_[at - 1];
    if (before !== undefined && before.length + block.live <= BLOCK_ROWS) {
      for (let row = 0; row < block.length; row++) if (block.left[row] === 0) before.pushRow(block, row);
    } else if (block.live > 0) {
      this.compact(block);
      return;
    }
    this.blocks_.splice(at, 1);
    block.drop();
  }

  /** Puts a block of the rows that are there in the place of one. */
  private compact(block: RowBlock): RowBlock {
    const own = block.compacted();
    this.blocks_[this.blocks_.indexOf(block)] = own;
    block.drop();
    return own;
  }

  private popLive(heap: LowestFirst, after = -1): {innovation: number; position: number} | undefined {
    for (let one = heap.pop(); one !== undefined; one = heap.pop()) {
      const block = this.blockOf(one.position);
      const row = block?.find(one.position) ?? -1;
      // Positions that were forgotten and written anew leave entries behind.
      if (row >= 0 && block?.innovations[row] === one.innovation && one.position !== after) return one;
    }
    return undefined;
  }

  /** Made when a quota first asks for it, and anew when most of what is in it has left. */
  private heap(): LowestFirst {
    if (this.lowest === undefined || this.lowest.size > 2 * this.rows_ + 1024) {
      this.lowest = new LowestFirst();
      for (const {block, row} of this.places())
        this.lowest.push(block.innovations[row], block.positions[row]);
    }
    return this.lowest;
  }
}
