// What a memory in storage costs per token: appending what leaves a window and searching for the best rows, as the store
// grows, beside the time of reading the keys' bytes in the same process.

import type {MemoryFormat, MemoryPrecision, MemoryStore} from '../memory/index.js';
import {libraryReading, simdReading} from './reading.js';
import {median} from './timing.js';

/** A store to be measured. */
export interface MeasuredPlace {
  readonly name: string;
  /** Opens it, as it is filled best. */
  open(format: MemoryFormat): Promise<MemoryStore>;
  /** What was filled as it is searched, in place of the store that filled it. Default: the same. */
  filled?(store: MemoryStore): Promise<MemoryStore>;
}

/** Told, while a place is filled, how many rows of a layer it holds. */
export type FillProgress = (place: string, rows: number, of: number) => void;

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
  readonly onFill?: FillProgress;
}

export interface MemoryTiming {
  readonly place: string;
  readonly rows: number;
  readonly appendMs: Quantiles;
  readonly searchMs: Quantiles;
  /** Time of this process's processor for a search, median: what others on the machine take is not in it. */
  readonly searchCpuMs: number;
  /** Reading the bytes of all keys once by WebAssembly's SIMD loads: the processor's time, median. */
  readonly floorCpuMs: number;
  /** The same by the C library. */
  readonly libraryCpuMs: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Rows that are stored together before anything is timed. */
const FILL = 4096;

/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function quantiles(values: readonly number[]): Quantiles {
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

interface Rows {
  readonly stream: string;
  readonly layer: number;
  /** Position of the first, and behind the last. */
  readonly from: number;
  readonly to: number;
}

const BENCH = {stream: 'bench', layer: 0};

function batchOf({stream, layer, from, to}: Rows, {groups, width}: MemoryFormat) {
  const n = to - from;
  const keys = numbers(n * groups * width, from + 1);
  return {
    stream,
    layer,
    positions: Int32Array.from({length: n}, (_, i) => from + i),
    innovations: new Float32Array(n),
    keys,
    values: keys,
  };
}

/** Appends rows to a store, thousands at a time; `onRows` is told the last one's position after each of them. */
export async function fillStore(
  store: MemoryStore,
  rows: Rows,
  onRows: (rows: number) => void = () => {},
): Promise<void> {
  for (let from = rows.from; from < rows.to; from += FILL) {
    const to = Math.min(rows.to, from + FILL);
    await store.append(batchOf({...rows, from, to}, store.format));
    onRows(to);
  }
}

interface Timed {
  readonly ms: Quantiles;
  readonly cpuMs: number;
}

async function timed(repeats: number, work: (repeat: number) => Promise<unknown>): Promise<Timed> {
  const [times, cpu]: [number[], number[]] = [[], []];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    await work(repeat);
    const {user, system} = process.cpuUsage(used);
    times.push(performance.now() - began);
    cpu.push((user + system) / 1000);
  }
  return {ms: quantiles(times), cpuMs: median(cpu)};
}

/** The processor's milliseconds for it, once the bytes lie where they will. */
async function readingMs(read: () => void, repeats: number): Promise<number> {
  read();
  return (await timed(repeats, async () => read())).cpuMs;
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
  onFill = () => {},
}: MemoryBenchSettings): AsyncGenerator<MemoryTiming> {
  const format: MemoryFormat = {model: 'bench', layers: [0], groups: 1, width, precision};
  for (const place of places) {
    let store = await place.open(format);
    try {
      let held = 0;
      for (const size of rows) {
        await fillStore(store, {...BENCH, from: held, to: size}, at => onFill(place.name, at, size));
        // Where sizes lie close, what was appended before has gone beyond.
        held = Math.max(held, size);
        const rowsHeld = held;
        store = (await place.filled?.(store)) ?? store;
        const search = (repeat: number) =>
          store.search({
            ...BENCH,
            queries: numbers(width, 7 * repeat + 3),
            count,
            before: Int32Array.of(rowsHeld),
          });
        await search(0);
        const searched = await timed(repeats, search);
        const bytes = rowsHeld * width * (precision === 'f16' ? 2 : 4);
        const floors = {
          floorCpuMs: await readingMs(simdReading(bytes), repeats),
          libraryCpuMs: await readingMs(libraryReading(bytes), repeats),
        };
        const {ms: appendMs} = await timed(repeats, async () => {
          await store.append(batchOf({...BENCH, from: held, to: held + window}, format));
          held += window;
        });
        const {ms: searchMs, cpuMs: searchCpuMs} = searched;
        yield {place: place.name, rows: rowsHeld, appendMs, searchMs, searchCpuMs, ...floors};
      }
    } finally {
      await store.close();
    }
  }
}
