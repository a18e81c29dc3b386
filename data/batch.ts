// Samples laid out for a model: one block of tokens and the list of scored rows.

import type {SampleKey, Task} from './task.js';

/**
 * Samples of a task side by side, as {@link drawBatch} lays them out: B = `size` rows of L = `length` tokens,
 * R scored positions.
 */
export interface Batch {
  readonly size: number;
  /** Tokens of the longest sample, L; shorter ones are filled up with id 0 behind their end, which nothing sees. */
  readonly length: number;
  /** Token ids [B, L], row-major. */
  readonly tokens: Int32Array;
  /** Scored positions as row numbers of a [B*L, ...] matrix, ascending [R]. */
  readonly rows: Int32Array;
  /** Wanted token of each scored row [R]. */
  readonly labels: Int32Array;
  /** Distance from value to query of each scored row [R]. */
  readonly distances: Int32Array;
}

/** Samples `index` to `index + size - 1` of a stream, side by side as one batch. */
export function drawBatch(task: Task, first: SampleKey, size: number): Batch {
  const samples = Array.from({length: size}, (_, b) => task.sample({...first, index: first.index + b}));
  const length = samples.reduce((longest, {inputs}) => Math.max(longest, inputs.length), 0);
  const tokens = new Int32Array(size * length);
  const rows: number[] = [];
  const labels: number[] = [];
  const distances: number[] = [];
  samples.forEach((sample, b) => {
    tokens.set(sample.inputs, b * length);
    for (const {position, distance} of sample.queries) {
      rows.push(b * length + position);
      labels.push(sample.labels[position]);
      distances.push(distance);
    }
  });
  return {
    size,
    length,
    tokens,
    rows: Int32Array.from(rows),
    labels: Int32Array.from(labels),
    distances: Int32Array.from(distances),
  };
}
