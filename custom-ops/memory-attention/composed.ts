// The same mathematics from tf operations: chunks of queries against bands of key blocks, masked. tf.gather has no
// gradient on every backend, so bands are slices of padded blocks and eidetic rows a product with a one-hot matrix.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  concat,
  equal,
  greaterEqual,
  logSumExp,
  matMul,
  mul,
  pad,
  range,
  reshape,
  scalar,
  slice,
  softmax,
  sub,
  tensor,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {MemoryAttentionAttributes} from './attributes.js';
import type {RowRange} from './geometry.js';
import {fadingRows, windowRows} from './geometry.js';

/** Added to the scores of keys that a query does not see. */
const HIDDEN = -1e30;

/** Blocks of queries, one a chunk; the first begins `phase` queries early, so that borders agree. */
interface Blocks {
  readonly count: number;
  readonly size: number;
  /** Row of the first (perhaps imagined) query of block 0. */
  readonly start: number;
}

/** Rows start + first + c * size + [0, width) for every block c. */
interface Band {
  readonly first: number;
  readonly width: number;
}

interface Memory {
  /** [B * G, blocks, keys, Dh] */
  readonly keys: Tensor;
  readonly values: Tensor;
  /** Broadcasts to [B * G, blocks, queries, keys]. */
  readonly mask: Tensor;
}

/** [B, n, heads, Dh] -> [B * heads, n, Dh]. */
function headsFirst(x: Tensor): Tensor {
  const [B, n, heads, Dh] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [B * heads, n, Dh]);
}

/** The rows of a band of x [items, M, Dh] for every block, zeros where there is none: [items, blocks, width, Dh]. */
function bandOf(x: Tensor, {first, width}: Band, {count, size, start}: Blocks): Tensor {
  const [items, M, Dh] = x.shape;
  const shifts = width / size;
  const from = start + first;
  const length = (count - 1) * size + width;
  const begin = Math.max(0, Math.min(M, from));
  const end = Math.max(begin, Math.min(M, from + length));
  const before = Math.min(length, Math.max(0, -from));
  const inside = slice(x, [0, begin, 0], [items, end - begin, Dh]);
  const padded = pad(inside, [
    [0, 0],
    [before, length - before - (end - begin)],
    [0, 0],
  ]);
  const blocks = reshape(padded, [items, count - 1 + shifts, size, Dh]);
  const parts = Array.from({length: shifts}, (_, j) => slice(blocks, [0, j, 0, 0], [items, count, size, Dh]));
  return parts.length === 1 ? parts[0] : concat(parts, 2);
}

/** 0 where a query sees the band's row, HIDDEN elsewhere; the queries of `repeats` heads follow each other. */
function bandMask(
  band: Band,
  {count, size, start}: Blocks,
  repeats: number,
  rowsOf: (i: number) => RowRange,
  P: number,
): Tensor {
  const values = new Float32Array(count * repeats * size * band.width).fill(HIDDEN);
  for (let c = 0; c < count; c++) {
    for (let a = 0; a < size; a++) {
      const origin = start + c * size;
      const {begin, end} = rowsOf(origin + a - P);
      for (let j = Math.max(0, begin - origin - band.first); j < band.width; j++) {
        if (origin + band.first + j >= end) break;
        for (let h = 0; h < repeats; h++) values[((c * repeats + h) * size + a) * band.width + j] = 0;
      }
    }
  }
  return tensor(values, [1, count, repeats * size, band.width]);
}

function eideticMemory(k: Tensor, v: Tensor, positions: Tensor, {B, C, M, G, Dh, me}: Dims): Memory {
  const rows = cast(equal(reshape(positions, [B, C * me, 1]), range(0, M, 1, 'int32')), 'float32');
  const gather = (x: Tensor): Tensor => {
    const taken = matMul(rows, reshape(x, [B, M, G * Dh]));
    return reshape(headsFirst(reshape(taken, [B, C * me, G, Dh])), [B * G, C, me, Dh]);
  };
  const empty = sub(scalar(1), cast(greaterEqual(positions, scalar(0, 'int32')), 'float32'));
  const hidden = reshape(mul(empty, scalar(HIDDEN)), [B, 1, C, me]);
  return {keys: gather(k), values: gather(v), mask: reshape(tile(hidden, [1, G, 1, 1]), [B * G, C, 1, me])};
}

export function composed(inputs: NamedTensors, attrs: MemoryAttentionAttributes, dims: Dims): NamedTensors {
  const {q, k, v, kFading, vFading, positions} = inputs;
  const {B, L, M, H, G, Dh, C} = dims;
  const {queryOffset, phase, fading} = attrs;
  const repeats = H / G;
  const reach = Math.min(attrs.window, M);
  const blocks: Blocks = {count: C, size: Math.min(attrs.window, phase + L), start: queryOffset - phase};
  const whole = (rows: number): number => Math.ceil(rows / blocks.size) * blocks.size;
  const banded = (keys: Tensor, values: Tensor, band: Band, rowsOf: (i: number) => RowRange): Memory => ({
    keys: bandOf(headsFirst(keys), band, blocks),
    values: bandOf(headsFirst(values), band, blocks),
    mask: bandMask(band, blocks, repeats, rowsOf, queryOffset),
  });

  const before = whole(reach - 1);
  const context = {first: -before, width: before + blocks.size};
  const memories = [banded(k, v, context, i => windowRows(i, attrs))];
  if (fading === 'sliding') {
    const band = {first: -before - reach, width: before + blocks.size};
    memories.push(banded(kFading, vFading, band, i => fadingRows(i, attrs)));
  } else if (fading === 'chunk') {
    const width = whole(Math.min(attrs.fadingTokens, M));
    memories.push(banded(kFading, vFading, {first: -width, width}, i => fadingRows(i, attrs)));
  }
  if (positions !== undefined && dims.me > 0) memories.push(eideticMemory(k, v, positions, dims));

  // Queries as [B * G * C, heads of the group x chunk, Dh].
  const length = blocks.count * blocks.size;
  const paddedQ = pad(headsFirst(q), [
    [0, 0],
    [phase, length - phase - L],
    [0, 0],
  ]);
  const grouped = transpose(reshape(paddedQ, [B * G, repeats, C, blocks.size, Dh]), [0, 2, 1, 3, 4]);
  const rows = repeats * blocks.size;
  const queries = reshape(mul(grouped, scalar(Dh ** -0.5)), [B * G * C, rows, Dh]);
  const flat = (x: Tensor): Tensor => reshape(x, [B * G * C, x.shape[2] ?? 0, Dh]);
  const scores = memories.map(({keys, mask}) => {
    const products = matMul(queries, flat(keys), false, true);
    return add(reshape(products, [B * G, C, rows, keys.shape[2] ?? 0]), mask);
  });
  const allScores = concat(scores, 3);
  const weights = softmax(allScores);
  const values = flat(
    concat(
      memories.map(memory => memory.values),
      2,
    ),
  );
  const mixed = matMul(reshape(weights, [B * G * C, rows, values.shape[1] ?? 0]), values);
  // [B, L, H, width] of what has a number or a row for each query of `grouped`.
  const ungroup = (x: Tensor, width: number): Tensor => {
    const ungrouped = transpose(reshape(x, [B * G, C, repeats, blocks.size, width]), [0, 2, 1, 3, 4]);
    const byHead = slice(reshape(ungrouped, [B, H, length, width]), [0, 0, phase, 0], [B, H, L, width]);
    return transpose(byHead, [0, 2, 1, 3]);
  };
  return {out: ungroup(mixed, Dh), logSumExp: reshape(ungroup(logSumExp(allScores, 3), 1), [B, L, H])};
}
