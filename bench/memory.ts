// What a memory in storage costs per token: appending what leaves a window and searching for the best rows, as the store
// grows, beside the time of reading the keys' bytes in the same process.

import type {MemoryFormat, MemoryPrecision, MemoryStore} from '../memory/index.js';
import {median} from './timing.js';

/** A store to be measured, empty. */
export interface MeasuredPlace {
  readonly name: string;
  open(format: MemoryFormat): Promise<MemoryStore>;
}

export interface MemoryBenchSettings {
  readonly places: readonly MeasuredPlace[];
  /** Rows held when it is measured, ascending. */
  readonly rows: readonly number[];
  readonly precision: MemoryPrecision;
  /** Head width Dh of the one key/value head. */
  readonly width: number;
  /** Rows R that a search wants. */
  readonly count: number;
  /** Rows that are appended together: a window. */
  readonly window: number;
  /** Appends and searches that are timed. */
  readonly repeats: number;
}

export interface MemoryTiming {
  readonly place: string;
  readonly rows: number;
  readonly appendMs: Quantiles;
  readonly searchMs: Quantiles;
  /** Reading the bytes of all keys once. */
  readonly floorMs: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Rows that are stored together before anything is timed. */
const FILL = 4096;
const FLOOR_RUNS = 9;

/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function quantiles(values: readonly number[]): Quantiles {
  return {p50: median(values), p99: quantile(values, 0.99)};
}

/** Numbers in [-1, 1) of a small generator: what they are does not matter, only that they differ. */
function numbers(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

function batchOf(from: number, n: number, width: number) {
  const keys = numbers(n * width, from + 1);
  return {
    stream: 'bench',
    layer: 0,
    positions: Int32Array.from({length: n}, (_, i) => from + i),
    innovations: new Float32Array(n),
    keys,
    values: keys,
  };
}

async function timed(repeats: number, work: (repeat: number) => Promise<unknown>): Promise<Quantiles> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const began = performance.now();
    await work(repeat);
    times.push(performance.now() - began);
  }
  return quantiles(times);
}

/** Milliseconds of reading so many bytes once, four words at a time. */
export function readingMs(bytes: number): number {
  const words = new Uint32Array(Math.ceil(bytes / 16) * 4).fill(1);
  const times: number[] = [];
  for (let run = 0; run < FLOOR_RUNS; run++) {
    const began = performance.now();
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < words.length; i += 4) {
      a ^= words[i];
      b ^= words[i + 1];
      c ^= words[i + 2];
      d ^= words[i + 3];
    }
    times.push(performance.now() - began);
    // Used, so that the loop is not left out.
    words[0] = a ^ b ^ c ^ d;
  }
  return median(times);
}

/** Measures each place at each size, in order. Rows lie in memory or in the system's cache, as they do while it decodes. */
export async function* benchMemory({
  places,
  rows,
  precision,
  width,
  count,
  window,
  repeats,
}: MemoryBenchSettings): AsyncGenerator<MemoryTiming> {
  const format: MemoryFormat = {model: 'bench', layers: [0], groups: 1, width, precision};
  for (const place of places) {
    const store = await place.open(format);
    try {
      let held = 0;
      for (const size of rows) {
        while (held < size) {
          const n = Math.min(FILL, size - held);
          await store.append(batchOf(held, n, width));
          held += n;
        }
        const search = (repeat: number) =>
          store.search({
            stream: 'bench',
            layer: 0,
            queries: numbers(width, 7 * repeat + 3),
            count,
            before: Int32Array.of(size),
          });
        await search(0);
        const searchMs = await timed(repeats, search);
        const appendMs = await timed(repeats, async () => {
          await store.append(batchOf(held, window, width));
          held += window;
        });
        const floorMs = readingMs(size * width * (precision === 'f16' ? 2 : 4));
        yield {place: place.name, rows: size, appendMs, searchMs, floorMs};
      }
    } finally {
      await store.close();
    }
  }
}
