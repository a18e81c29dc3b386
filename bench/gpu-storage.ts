// What memory in storage costs on a GPU: the search beside a copy of the rows' bytes, and the attention over what it finds.

import type {Rank, Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {
  add,
  dispose,
  grads,
  randomNormal,
  reshape,
  slice,
  tensor,
  tidy,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import {exactSearch, retrievedAttention} from '../custom-ops/index.js';
import type {GpuTiming} from './gpu-measure.js';
import {medianMs, tokens} from './gpu-measure.js';

/** [B, L, N, G, Dh, R, w]; [B, L, H, Dh, R]. */
export interface StorageSizes {
  readonly search: readonly (readonly [number, number, number, number, number, number, number])[];
  readonly retrieved: readonly (readonly [number, number, number, number, number])[];
}

/** Random rows of which no two are alike: sums of a row of each of two short tables. */
function differentRows([B, N, G, Dh]: [number, number, number, number]): Tensor4D {
  const period = Math.min(N, 1000);
  return tidy(() => {
    const table = (rows: number): Tensor4D => randomNormal([rows, 1, G, Dh]);
    const sums = add(table(Math.ceil(N / period)), transpose(table(period), [1, 0, 2, 3]));
    const rows = slice(
      reshape(sums, [1, Math.ceil(N / period) * period, G, Dh]),
      [0, 0, 0, 0],
      [1, N, G, Dh],
    );
    return tile(rows, [B, 1, 1, 1]) as Tensor4D;
  });
}

async function* searchTimings(
  [B, L, N, G, Dh, count, window]: StorageSizes['search'][number],
  copyBytesPerMs: number,
): AsyncGenerator<GpuTiming> {
  const q = tokens<Rank.R4>([B, L, G, Dh]);
  const k = differentRows([B, N, G, Dh]);
  const ms = await medianMs(() => exactSearch({q, k}, {count, window}).rows);
  // Every row read once; a copy reads and writes.
  const floorMs = (4 * B * N * G * Dh) / copyBytesPerMs;
  const name = `exactSearch B${B} L${L} N${N} G${G} Dh${Dh} R${count} w${window}`;
  yield {name, ms, rate: `${(ms / floorMs).toFixed(1)} x the copy floor`};
  dispose([q, k]);
}

async function* retrievedTimings([
  B,
  L,
  H,
  Dh,
  R,
]: StorageSizes['retrieved'][number]): AsyncGenerator<GpuTiming> {
  const make = () => tokens<Rank.R4>([B, L, H, Dh]);
  const [q, k, v, cotangent] = [make(), make(), make(), make()];
  // Rows of a query differ, and many queries share some.
  const numbers = Int32Array.from(
    {length: B * L * H * R},
    (_, i) => (Math.floor(i / R) * 7 + (i % R) * 131) % L,
  );
  const rows = tensor(numbers, [B, L, H, R], 'int32') as Tensor4D;
  const attend = (...xs: Tensor[]): Tensor4D => {
    const [a, b, c] = xs as Tensor4D[];
    return retrievedAttention({q: a, k: b, v: c, rows}).out;
  };
  const flops = 4 * B * L * H * R * Dh;
  const shape = `retrievedAttention B${B} L${L} H${H} Dh${Dh} R${R}`;
  const forward = await medianMs(() => attend(q, k, v));
  yield {name: `${shape} forward`, ms: forward, rate: `${(flops / forward / 1e9).toFixed(2)} TFLOP/s`};
  const both = grads(attend);
  const total = await medianMs(() => both([q, k, v], cotangent));
  yield {
    name: `${shape} forward+backward`,
    ms: total,
    rate: `${((3.5 * flops) / total / 1e9).toFixed(2)} TFLOP/s`,
  };
  dispose([q, k, v, cotangent, rows]);
}

export async function* storageTimings(
  {search, retrieved}: StorageSizes,
  copyBytesPerMs: number,
): AsyncGenerator<GpuTiming> {
  for (const size of search) yield* searchTimings(size, copyBytesPerMs);
  for (const size of retrieved) yield* retrievedTimings(size);
}
