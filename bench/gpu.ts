// Large sizes on a GPU: linear, the scan and the attention beside what the card itself can do (copy, product), and what it
// costs to issue an operation. Inputs are tiled on the device: drawing them on the host would take minutes.

import type {Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {
  add,
  backend,
  dispose,
  fill,
  grads,
  matMul,
  mul,
  neg,
  ones,
  randomNormal,
  softplus,
  tensor,
  tidy,
  tile,
} from '@tensorflow/tfjs-core';
import {copyMilliseconds} from '../custom-ops/backends/webgpu/index.js';
import {linear, memoryAttention, selectiveScan, ssdScan} from '../custom-ops/index.js';
import type {Precision} from '../custom-ops/precision.js';
import {chunkOf} from '../custom-ops/ssd-scan/attributes.js';
import type {GpuTiming} from './gpu-measure.js';
import {medianMs, tokens} from './gpu-measure.js';
import type {StorageSizes} from './gpu-storage.js';
import {storageTimings} from './gpu-storage.js';
import {issueTimings} from './issuing.js';

export type {GpuTiming} from './gpu-measure.js';

/**
 * Numbers to copy; the side of tf's square product; [tokens, D, E]; [B, L, E, N]; [B, L, H, P, N]; [B, L, H, Dh, w, me];
 * {@link StorageSizes}.
 */
export interface GpuSizes {
  readonly copy: number;
  readonly product: number;
  readonly linear: readonly (readonly [number, number, number])[];
  readonly scan: readonly [number, number, number, number];
  readonly ssd: readonly [number, number, number, number, number];
  readonly attention: readonly (readonly [number, number, number, number, number, number])[];
  readonly storage: StorageSizes;
}

export const largeSizes: GpuSizes = {
  copy: 2 ** 26,
  product: 4096,
  linear: [
    [16384, 768, 3072],
    [16384, 768, 768],
    [16384, 1536, 80],
    [4096, 128, 256],
  ],
  scan: [8, 2048, 2048, 16],
  ssd: [8, 2048, 32, 64, 128],
  attention: [
    [4, 8192, 16, 64, 512, 64],
    [1, 32768, 16, 64, 512, 64],
  ],
  storage: {
    search: [
      [1, 1, 1_000_000, 1, 64, 8, 0],
      [1, 8, 1_000_000, 1, 64, 8, 0],
      [4, 1024, 1024, 4, 32, 8, 64],
    ],
    retrieved: [
      [4, 1024, 4, 32, 8],
      [1, 16384, 4, 64, 8],
    ],
  },
};

async function* linearTimings(
  [L, D, E]: GpuSizes['linear'][number],
  precision: Precision,
): AsyncGenerator<GpuTiming> {
  const x = tokens<Rank.R3>([1, L, D]);
  const weight = tidy(() => mul(D ** -0.5, randomNormal([D, E])) as Tensor2D);
  const cotangent = tokens<Rank.R3>([1, L, E]);
  const shape = `linear ${L}x${D}x${E} ${precision}`;
  const rate = (ms: number, products: number): string =>
    `${((2 * products * L * D * E) / ms / 1e9).toFixed(1)} TFLOP/s`;
  const forward = await medianMs(() => linear(x, weight, undefined, {precision}));
  yield {name: `${shape} forward`, ms: forward, rate: rate(forward, 1)};
  const both = grads((a: Tensor, b: Tensor) => linear(a as Tensor3D, b as Tensor2D, undefined, {precision}));
  const total = await medianMs(() => both([x, weight], cotangent));
  yield {name: `${shape} forward+backward`, ms: total, rate: rate(total, 3)};
  dispose([x, weight, cotangent]);
}

async function* scanTimings(
  [B, L, E, N]: GpuSizes['scan'],
  copyBytesPerMs: number,
): AsyncGenerator<GpuTiming> {
  const inputs = {
    u: tokens<Rank.R3>([B, L, E]),
    delta: tidy(() => mul(0.5, tokens<Rank.R3>([B, L, E])) as Tensor3D),
    A: tidy(() => neg(add(0.2, softplus(randomNormal([E, N])))) as Tensor2D),
    B: tokens<Rank.R3>([B, L, N]),
    C: tokens<Rank.R3>([B, L, N]),
    D: ones([E]) as Tensor1D,
    z: tokens<Rank.R3>([B, L, E]),
    deltaBias: fill([E], -1) as Tensor1D,
  };
  const cotangent = tokens<Rank.R3>([B, L, E]);
  const names = Object.keys(inputs) as (keyof typeof inputs)[];
  const scan = (given: typeof inputs): Tensor3D => selectiveScan(given, {deltaSoftplus: true}).y;
  const floorMs = (4 * (4 * B * L * E + 2 * B * L * N)) / copyBytesPerMs;
  const shape = `selectiveScan B${B} L${L} E${E} N${N}`;
  const forward = await medianMs(() => scan(inputs));
  yield {name: `${shape} forward`, ms: forward, rate: `${(forward / floorMs).toFixed(1)} x the copy floor`};
  const both = grads((...xs: Tensor[]) =>
    scan(Object.fromEntries(names.map((name, i) => [name, xs[i]])) as typeof inputs),
  );
  const values = names.map(name => inputs[name]);
  const total = await medianMs(() => both(values, cotangent));
  // Forwards as above; backwards u, delta, z and the cotangent are read, three gradients written.
  const totalFloorMs = floorMs + (4 * (7 * B * L * E + 4 * B * L * N)) / copyBytesPerMs;
  const ratio = (total / totalFloorMs).toFixed(1);
  yield {name: `${shape} forward+backward`, ms: total, rate: `${ratio} x the copy floor`};
  dispose([...values, cotangent]);
}

async function* ssdTimings(
  [B, L, H, P, N]: GpuSizes['ssd'],
  precision: Precision,
): AsyncGenerator<GpuTiming> {
  const inputs = {
    x: tokens<Rank.R4>([B, L, H, P]),
    delta: tidy(() => mul(0.5, tokens<Rank.R3>([B, L, H])) as Tensor3D),
    A: tidy(() => neg(add(0.2, softplus(randomNormal([H])))) as Tensor1D),
    B: tokens<Rank.R4>([B, L, 1, N]),
    C: tokens<Rank.R4>([B, L, 1, N]),
    D: ones([H]) as Tensor1D,
    deltaBias: fill([H], -1) as Tensor1D,
  };
  const cotangent = tokens<Rank.R4>([B, L, H, P]);
  const names = Object.keys(inputs) as (keyof typeof inputs)[];
  const scan = (given: typeof inputs): Tensor4D => ssdScan(given, {precision}).y;
  // Multiply-adds of products a token and head: 2 N P forwards, and P for each token of the chunk in blocks of 64 up to the
  // diagonal; twice as many backwards.
  const within = (chunkOf({precision}) + 64) / 2;
  const flops = 2 * B * L * H * P * (within + 2 * N);
  const rate = (ms: number, times: number): string => `${((times * flops) / ms / 1e9).toFixed(1)} TFLOP/s`;
  const shape = `ssdScan B${B} L${L} H${H} P${P} N${N} ${precision}`;
  const forward = await medianMs(() => scan(inputs));
  yield {name: `${shape} forward`, ms: forward, rate: rate(forward, 1)};
  const both = grads((...xs: Tensor[]) =>
    scan(Object.fromEntries(names.map((name, i) => [name, xs[i]])) as typeof inputs),
  );
  const values = names.map(name => inputs[name]);
  const total = await medianMs(() => both(values, cotangent));
  yield {name: `${shape} forward+backward`, ms: total, rate: rate(total, 3)};
  dispose([...values, cotangent]);
}

async function* attentionTimings(
  [B, L, H, Dh, window, me]: GpuSizes['attention'][number],
  precision: Precision,
): AsyncGenerator<GpuTiming> {
  const make = () => tokens<Rank.R4>([B, L, H, Dh]);
  const [q, k, v, kFading, vFading, cotangent] = [make(), make(), make(), make(), make(), make()];
  const chunks = L / window;
  // As the selection would: chunk c stores tokens of chunks 0 .. c-2, new ones now and then.
  const stored = Int32Array.from({length: B * chunks * me}, (_, i) => {
    const chunk = Math.floor(i / me) % chunks;
    const rows = Math.max(0, chunk - 1) * window;
    return rows === 0 ? -1 : ((i % me) * (2 * window + 7)) % rows;
  });
  const positions = tensor(stored, [B, chunks, me], 'int32') as Tensor3D;
  const attend = (...xs: Tensor[]): Tensor4D => {
    const [a, b, c, d, e] = xs as Tensor4D[];
    return memoryAttention(
      {q: a, k: b, v: c, kFading: d, vFading: e, positions},
      {window, fading: 'sliding', precision},
    );
  };
  // Keys that a query sees, summed over queries: both windows, cut at the start, and the stored ones.
  let seen = 0;
  for (let t = 0; t < L; t++) seen += Math.min(t + 1, window) + Math.max(0, Math.min(t + 1 - window, window));
  seen += stored.reduce((count, row) => count + (row >= 0 ? 1 : 0), 0) * (window / B);
  const flops = 4 * B * H * Dh * seen;
  const shape = `memoryAttention B${B} L${L} H${H} Dh${Dh} w${window} me${me} ${precision}`;
  const inputs = [q, k, v, kFading, vFading];
  const forward = await medianMs(() => attend(...inputs));
  yield {name: `${shape} forward`, ms: forward, rate: `${(flops / forward / 1e9).toFixed(2)} TFLOP/s`};
  const both = grads(attend);
  const total = await medianMs(() => both(inputs, cotangent));
  // The backward pass does 2.5 times the products of the forward pass.
  const work = 3.5 * flops;
  yield {name: `${shape} forward+backward`, ms: total, rate: `${(work / total / 1e9).toFixed(2)} TFLOP/s`};
  dispose([...inputs, cotangent, positions]);
}

async function* productTimings(side: number): AsyncGenerator<GpuTiming> {
  const square = tidy(() => tile(randomNormal([side / 64, side]), [64, 1])) as Tensor2D;
  const ms = await medianMs(() => matMul(square, square));
  yield {name: `tf.matMul ${side}`, ms, rate: `${((2 * side ** 3) / ms / 1e9).toFixed(1)} TFLOP/s`};
  square.dispose();
}

/** What is measured, in this order, behind the copy whose rate is the floor of others. */
export const gpuParts = ['product', 'linear', 'issuing', 'scan', 'ssd', 'attention', 'storage'] as const;
export type GpuPart = (typeof gpuParts)[number];

export interface GpuBenchOptions {
  /** Of the products of `linear`, `ssdScan` and the attention; everything else is in float32. Default 'float32'. */
  readonly precision?: Precision;
  readonly sizes?: GpuSizes;
  /** Default: all parts. */
  readonly only?: readonly GpuPart[];
}

export async function* benchGpu({
  precision = 'float32',
  sizes = largeSizes,
  only = gpuParts,
}: GpuBenchOptions = {}): AsyncGenerator<GpuTiming> {
  const copyMs = await copyMilliseconds(backend(), 4 * sizes.copy);
  const copyRate = (8 * sizes.copy) / copyMs;
  yield {
    name: `copy of ${Math.round((4 * sizes.copy) / 1e6)} MB`,
    ms: copyMs,
    rate: `${(copyRate / 1e9).toFixed(2)} TB/s`,
  };
  const wants = (part: GpuPart): boolean => only.includes(part);
  if (wants('product')) yield* productTimings(sizes.product);
  if (wants('linear')) for (const size of sizes.linear) yield* linearTimings(size, precision);
  if (wants('issuing')) yield* issueTimings();
  if (wants('scan')) yield* scanTimings(sizes.scan, copyRate);
  if (wants('ssd')) yield* ssdTimings(sizes.ssd, precision);
  if (wants('attention')) for (const size of sizes.attention) yield* attentionTimings(size, precision);
  if (wants('storage')) yield* storageTimings(sizes.storage, copyRate);
}
