// Which rows of segment files are still there: those that the table holds, from the last record that wrote them.

import type {RowSizes} from '../row-block.js';
import {rowNumbers} from '../row-block.js';
import type {MemoryBatch} from '../store.js';

/** Whether the table holds a row at a position. */
export type IsLive = (stream: string, layer: number, position: number) => boolean;

/** For each record of a segment, numbers of its rows. */
export type RowsOfRecords = readonly (readonly number[])[];

/**
 * Tells the rows of records that are there from those that left. A position says it only with the record: a stream whose last
 * rows a quota drove out goes on from an earlier position, so that the same one may stand in several records.
 */
export class LiveRows {
  /** Where the first of the later records of a stream and layer begins: earlier rows from there on had left. */
  private readonly begins = new Map<string, number>();

  constructor(private readonly isLive: IsLive) {}

  /** Which rows of each record are there; undefined where all are. Segments come last to first, their records in order. */
  async ofSegment(records: AsyncIterable<{readonly batch: MemoryBatch}>): Promise<RowsOfRecords | undefined> {
    const written: Pick<MemoryBatch, 'stream' | 'layer' | 'positions'>[] = [];
    for await (const {batch} of records) {
      const {stream, layer, positions} = batch;
      written.push({stream, layer, positions});
    }
    const rows = written.toReversed().map(({stream, layer, positions}) => {
      const key = `${layer} ${stream}`;
      const end = this.begins.get(key) ?? Infinity;
      if (positions.length > 0) this.begins.set(key, Math.min(end, positions[0]));
      const isThere = (row: number): boolean =>
        positions[row] < end && this.isLive(stream, layer, positions[row]);
      return [...positions.keys()].filter(isThere);
    });
    rows.reverse();
    return rows.every((own, i) => own.length === written[i].positions.length) ? undefined : rows;
  }
}

/** These rows of a batch; the batch itself where they are all. */
export function pickRows(
  batch: Required<MemoryBatch>,
  rows: readonly number[],
  sizes: RowSizes,
): Required<MemoryBatch> {
  if (rows.length === batch.positions.length) return batch;
  const numbers = rowNumbers(sizes);
  const pick = (from: Float32Array): Float32Array => {
    const picked = new Float32Array(rows.length * numbers);
    for (const [i, row] of rows.entries())
      picked.set(from.subarray(row * numbers, (row + 1) * numbers), i * numbers);
    return picked;
  };
  const {stream, layer, positions, innovations, tokens, keys, values} = batch;
  return {
    stream,
    layer,
    positions: Int32Array.from(rows, row => positions[row]),
    innovations: Float32Array.from(rows, row => innovations[row]),
    tokens: Int32Array.from(rows, row => tokens[row]),
    keys: pick(keys),
    values: pick(values),
  };
}
