// Which token lies in which slot, from step to step: a memory knows its stored rows, and not where they came from.

import type {MixerSettings} from './mixer-schema.js';
import {RowLayout} from './row-layout.js';

/** Positions of the stored tokens of one mixer and one sequence, whose steps are told in their order. */
export class StoredPositions {
  /** By slot, -1 where it is empty. */
  private slots: number[];
  private position = 0;

  constructor(private readonly settings: MixerSettings) {
    this.slots = new Array<number>(settings.eideticSlots).fill(-1);
  }

  /**
   * Positions stored for each chunk that a step of `length` tokens begins, [C, me], from the rows that it stored for each of
   * its chunks; a chunk that was begun before keeps what it was given then.
   */
  follow(rows: ArrayLike<number>, length: number): number[] {
    const layout = new RowLayout(this.settings, this.position, length);
    const {eideticSlots} = this.settings;
    const positions = Array.from(rows, row => (row < 0 ? -1 : layout.positionOf(row, this.slots)));
    // The memory keeps its slots in the order in which the last chunk was given them.
    if (!layout.staysInChunk) this.slots = positions.slice(-eideticSlots);
    this.position += length;
    return layout.phase === 0 ? positions : positions.slice(eideticSlots);
  }
}
