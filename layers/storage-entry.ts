// Which tokens enter storage when they leave the window: all, every n-th, or those that the fading memory predicted worst.

import type {Rank, Tensor2D} from '@tensorflow/tfjs-core';
import {
  cast,
  concat,
  exp,
  fill,
  greaterEqual,
  maximum,
  mean,
  mul,
  slice,
  sub,
  tensor2d,
  tile,
  topk,
} from '@tensorflow/tfjs-core';
import {SharedTensors} from '../custom-ops/shared-tensors.js';
import type {MixerSettings} from './mixer-schema.js';

export type EntrySettings = Pick<MixerSettings, 'window' | 'storage' | 'storageShare' | 'storageEntry'>;

/** Whether innovation decides what enters. */
export function entersByInnovation({storage, storageShare, storageEntry}: EntrySettings): boolean {
  return storage > 0 && storageShare < 1 && storageEntry === 'innovation';
}

/** Whether the innovation of recent tokens is kept: what a store drops when it is full depends on it. */
export function scoresTokens({storage, ssm}: Pick<MixerSettings, 'storage' | 'ssm'>): boolean {
  return storage > 0 && ssm;
}

/** n of "every n-th". */
export function spacing({storageShare}: EntrySettings): number {
  return Math.round(1 / storageShare);
}

/** What is known of the tokens of whole chunks that enter. */
export interface Entry {
  /** 1 for a token that entered, else 0, [B, n w]; absent where there was none whose turn it was. */
  readonly entered?: Tensor2D;
  /** Innovation that tokens of the next chunk must reach, [B, 1]; where innovation decides. */
  readonly threshold?: Tensor2D;
}

/** A threshold is multiplied by exp(share that entered - wanted share) behind each chunk, and can leave zero. */
const LEAST_THRESHOLD = 1e-12;

/** Innovation that the first chunk's wanted share reaches. */
function firstThreshold(scores: Tensor2D, {window, storageShare}: EntrySettings): Tensor2D {
  const count = Math.ceil(storageShare * window);
  const {values} = topk(scores, count);
  return slice(values, [0, count - 1], [scores.shape[0], 1]) as Tensor2D;
}

const patterns = new SharedTensors(16);

/** Tokens of `chunks` chunks [B, chunks w] of these innovations; `threshold` is that behind the chunks before them. */
export function entryOf(
  settings: EntrySettings,
  batch: number,
  chunks: number,
  scores: Tensor2D | undefined,
  threshold: Tensor2D | undefined,
): Entry {
  const {window, storageShare} = settings;
  if (storageShare === 1) return {entered: fill<Rank.R2>([batch, chunks * window], 1)};
  if (scores === undefined || !entersByInnovation(settings)) {
    const nth = spacing(settings);
    const pattern = patterns.get(`${window} ${nth}`, () =>
      tensor2d(
        Float32Array.from({length: window}, (_, i) => ((i + 1) % nth === 0 ? 1 : 0)),
        [1, window],
      ),
    );
    return {entered: tile(pattern, [batch, chunks])};
  }
  let current = threshold;
  const parts = Array.from({length: chunks}, (_, chunk) => {
    const own = slice(scores, [0, chunk * window], [batch, window]);
    const least = current ?? firstThreshold(own, settings);
    const entered = cast(greaterEqual(own, least), 'float32') as Tensor2D;
    const excess = sub(mean(entered, 1, true), fill([], storageShare));
    current = mul(maximum(least, fill([], LEAST_THRESHOLD)), exp(excess)) as Tensor2D;
    return entered;
  });
  return {entered: parts.length === 1 ? parts[0] : concat(parts, 1), threshold: current};
}
