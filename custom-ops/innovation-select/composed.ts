// The selection from tf operations: a top-k of each chunk's prefix. tf.topk gives ties to the lower index, the older token.

import type {Tensor} from '@tensorflow/tfjs-core';
import {
  cast,
  concat,
  fill,
  greaterEqual,
  reshape,
  scalar,
  slice,
  stack,
  topk,
  where,
} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {InnovationSelectAttributes} from './attributes.js';
import {candidateLimit} from './reference.js';

export function composed(
  {scores}: NamedTensors,
  attrs: InnovationSelectAttributes,
  {B, M, C, me}: Dims,
): NamedTensors {
  const none = (count: number): Tensor => fill([B, count], -1, 'int32');
  const chunks = Array.from({length: C}, (_, chunk) => {
    const limit = candidateLimit(chunk, {M, ...attrs});
    const count = Math.min(limit, me);
    if (count === 0) return none(me);
    const best = topk(slice(scores, [0, 0], [B, limit]), count);
    const rows = where(greaterEqual(best.values, scalar(0)), cast(best.indices, 'int32'), none(count));
    return count === me ? rows : concat([rows, none(me - count)], 1);
  });
  return {positions: reshape(stack(chunks, 1), [B, C, me])};
}
