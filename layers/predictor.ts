// The last fading tokens, which predict the next one: how far they were from it, and which of them are kept.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {concat, slice} from '@tensorflow/tfjs-core';
import {innovationScores} from '../custom-ops/index.js';
import {lastRows} from './row-layout.js';

/** Innovation [B, L] of fading tokens [B, L, D] that come behind those of `history`, if any. */
export function innovationBehind(history: Tensor3D | undefined, fading: Tensor3D, span: number): Tensor2D {
  if (history === undefined) return innovationScores(fading, {span});
  return slice(innovationScores(concat([history, fading], 1), {span}), [0, history.shape[1]]);
}

/** The fading tokens that predict the one behind `fading`: the last `span` of all, [B, up to span, D]. */
export function historyBehind(history: Tensor3D | undefined, fading: Tensor3D, span: number): Tensor3D {
  const known = history === undefined ? fading : concat([history, fading], 1);
  return lastRows(known, Math.min(known.shape[1], span));
}
