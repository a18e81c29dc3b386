import type {Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {refuse} from '../check.js';
import type {NamedTensors} from '../op.js';
import type {Precision} from '../precision.js';
import {runOp} from '../run.js';
import type {FadingMode} from './attributes.js';
import {memoryAttentionOp} from './definition.js';

/** Tensors of {@link memoryAttention}: queries, and keys and values of the memories that they attend to. */
export interface MemoryAttentionInputs {
  /** Queries, [B, L, H, Dh]. */
  q: Tensor4D;
  /** Keys and values of every row, [B, queryOffset + L, G, Dh]; G divides H. */
  k: Tensor4D;
  v: Tensor4D;
  /** Keys and values of the fading tokens, as k; needed unless fading is 'none'. */
  kFading?: Tensor4D;
  vFading?: Tensor4D;
  /** Rows stored for each chunk of queries, int32 [B, C, me], -1 where a slot is empty. */
  positions?: Tensor3D;
}

/** Options of {@link memoryAttention}: the window must be given, other defaults stand beside each. */
export interface MemoryAttentionOptions {
  /** Tokens w attended exactly, and the chunk length: 1 to 2^30 - 1, may exceed L. */
  window: number;
  /** Which fading tokens: 'sliding' the w before the window, 'chunk' those before the query's chunk. Default 'none'. */
  fading?: FadingMode;
  /** How many fading tokens mf before the chunk, for 'chunk'. Default window. */
  fadingTokens?: number;
  /** Rows that come before the first query's own, for a continued stream. Default 0. */
  queryOffset?: number;
  /** Rows before this one are reached through positions only. Default 0. */
  firstRow?: number;
  /** Position of the first query within its chunk, in [0, window). Default 0. */
  phase?: number;
  /**
   * How products are computed: factors rounded to this format, sums and softmax in float32. A backend without it computes in
   * float32. Default 'float32'.
   */
  precision?: Precision;
}

/**
 * Causal attention with one softmax over the window, the fading tokens and the stored tokens; scale Dh^-0.5.
 *
 * Query i has row r = queryOffset + i and chunk c = floor((phase + i) / window). It sees k, v at rows (r - w, r], kFading,
 * vFading at (r - 2w, r - w] (sliding) or the mf rows before the chunk's first row (chunk), and k, v at positions[b, c].
 * Returns [B, L, H, Dh]; differentiable in all but positions; memory linear in L.
 * Errors: ArgumentError on wrong sizes, options or missing fading tensors. Source: arXiv 2407.06324.
 */
export function memoryAttention(inputs: MemoryAttentionInputs, options: MemoryAttentionOptions): Tensor4D {
  return attend(inputs, options, ['logSumExp']).out as Tensor4D;
}

/** Output and normaliser of one softmax, as {@link memoryAttentionWithLogSumExp} returns them. */
export interface AttentionWithLogSumExp {
  /** Weighted sums of the values, [B, L, H, Dh]. */
  out: Tensor4D;
  /** Logarithm of the sum of the scores' exponentials of each query and head, [B, L, H]. */
  logSumExp: Tensor3D;
}

/**
 * {@link memoryAttention} together with the logarithm of its softmax's normaliser, by which a further memory joins the same
 * softmax: two parts with outputs o1, o2 and logarithms l1, l2 make o1 + sigmoid(l2 - l1) (o2 - o1).
 *
 * Returns out [B, L, H, Dh] and logSumExp [B, L, H], natural, of the scaled scores; differentiable through both.
 * Errors: ArgumentError on wrong sizes, options or missing fading tensors. Source: arXiv 2407.06324; arXiv 2205.14135.
 */
export function memoryAttentionWithLogSumExp(
  inputs: MemoryAttentionInputs,
  options: MemoryAttentionOptions,
): AttentionWithLogSumExp {
  const {out, logSumExp} = attend(inputs, options);
  return {out: out as Tensor4D, logSumExp: logSumExp as Tensor3D};
}

function attend(
  inputs: MemoryAttentionInputs,
  options: MemoryAttentionOptions,
  left: readonly string[] = [],
): NamedTensors {
  const {window, fading = 'none', queryOffset = 0, firstRow = 0, phase = 0} = options;
  const {precision = 'float32'} = options;
  const fadingTokens = fading === 'chunk' ? (options.fadingTokens ?? window) : 0;
  for (const name of ['kFading', 'vFading'] as const) {
    if ((inputs[name] === undefined) !== (fading === 'none')) {
      const expected =
        fading === 'none' ? "absent when fading is 'none'" : `given when fading is '${fading}'`;
      refuse('memoryAttention', name, expected, inputs[name]?.shape);
    }
  }
  const attrs = {window, fading, fadingTokens, queryOffset, firstRow, phase, precision};
  return runOp(memoryAttentionOp, {...inputs}, attrs, left);
}
