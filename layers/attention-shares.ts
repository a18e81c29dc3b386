// How one softmax divides over the three memories, exactly, through the operator itself.

import type {Rank, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {concat, onesLike, reshape, slice, stack, tidy, zerosLike} from '@tensorflow/tfjs-core';
import type {MemoryAttentionOptions} from '../custom-ops/index.js';
import {memoryAttention} from '../custom-ops/index.js';

export interface SharesInputs {
  /** Queries [B, L, H, Dh]. */
  readonly q: Tensor4D;
  /** Keys of the inputs [B, rows, G, Dh]: of a whole sequence [B, L, G, Dh]. */
  readonly keys: Tensor4D;
  /** Keys of the fading tokens, as `keys`. */
  readonly fadingKeys?: Tensor4D;
  /** Rows stored for each chunk, int32 [B, C, me]. */
  readonly stored?: Tensor3D;
}

/**
 * Shares of each query's attention that go to in-context, fading and eidetic memory: [B, L, H, 3], summing to 1.
 *
 * The output is linear in the values, so values that are 1 in one memory and 0 in the others give that memory's share. The
 * window and the stored tokens have the same rows: stored ones are read from a copy in front that nothing else reaches.
 */
export function attentionShares(
  {q, keys, fadingKeys, stored}: SharesInputs,
  {firstRow = 0, queryOffset = 0, ...given}: MemoryAttentionOptions,
): Tensor4D {
  return tidy(() => {
    const rows = keys.shape[1];
    const [zero, one] = [zerosLike(keys), onesLike(keys)];
    const twice = (copy: Tensor4D, own: Tensor4D): Tensor4D => concat([copy, own], 1);
    const k = twice(keys, keys);
    const kFading = fadingKeys && twice(fadingKeys, fadingKeys);
    const options = {...given, queryOffset: rows + queryOffset, firstRow: rows + firstRow};
    const share = (eidetic: Tensor4D, inContext: Tensor4D, faded: Tensor4D): Tensor3D => {
      const vFading = fadingKeys && twice(faded, faded);
      const out = memoryAttention(
        {q, k, v: twice(eidetic, inContext), kFading, vFading, positions: stored},
        options,
      );
      const [batch, length, heads] = out.shape;
      const column = slice<Rank.R4, Tensor4D>(out, [0, 0, 0, 0], [batch, length, heads, 1]);
      return reshape(column, [batch, length, heads]);
    };
    return stack([share(zero, one, zero), share(zero, zero, one), share(one, zero, zero)], 3) as Tensor4D;
  });
}
