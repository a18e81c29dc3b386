// The next token from logits: temperature, the k most likely, the nucleus of probability p.

import {integer, number} from '../config/schema.js';
import {randomStream} from '../data/random.js';
import {BmojoError} from '../errors/bmojo-error.js';
import {exponential} from './exponential.js';
import {mostLikely} from './most-likely.js';
import type {SamplingSettings} from './settings.generated.js';

export type {SamplingSettings};

/** Tokens that a text under way remembers for the penalty on repetition. */
export const MOST_RECENT = 4096;

/** Settings of choosing the next token with their defaults, bounds and reasons. */
export const samplingSchema = {
  temperature: number(
    1,
    0,
    100,
    'divides the logits; below 1 safer, above 1 wilder, 0 takes the most likely token',
  ),
  topK: integer(0, 0, 1 << 24, 'choose among the k most likely tokens; 0 means all'),
  topP: number(1, 0, 1, 'choose among the most likely tokens whose probabilities sum to p; 1 means all'),
  repetitionPenalty: number(
    1,
    0.01,
    100,
    'divides the positive logits of recent tokens and multiplies the negative ones: above 1 repeats less, 1 leaves them',
  ),
  repetitionSpan: integer(
    64,
    1,
    MOST_RECENT,
    'last tokens, read or written, that the penalty counts as recent',
  ),
  seed: integer(1, 0, 2 ** 31 - 1, 'seed of the choices: the same seed writes the same text'),
} as const;

/** Logits from which no token can be chosen: one is NaN or infinite, or all are as unlikely as can be. */
export class LogitsError extends BmojoError {
  override readonly name = 'LogitsError';
  readonly kind = 'damage';
}

const TAG = 0x73616d70;

/** Ids among which a nucleus is looked for first: most have fewer, and to put all in order takes long. */
const FIRST_CANDIDATES = 512;

/**
 * Logits with the penalty on the last tokens of `recent` (Keskar et al. 2019, arXiv 1909.05858, section 4.1), each counted once
 * however often it stands there.
 */
export function withPenalty(
  logits: Float32Array,
  recent: readonly number[],
  {repetitionPenalty, repetitionSpan}: SamplingSettings,
): Float32Array {
  if (repetitionPenalty === 1) return logits;
  const changed = logits.slice();
  for (const id of new Set(recent.slice(-repetitionSpan)))
    if (id < changed.length)
      changed[id] = changed[id] > 0 ? changed[id] / repetitionPenalty : changed[id] * repetitionPenalty;
  return changed;
}

/**
 * Draws a token; `draw` numbers the choices of a seed. Top-k is applied before top-p (Holtzman et al., arXiv 1904.09751).
 * Errors: LogitsError.
 */
export function sampleToken(logits: Float32Array, settings: SamplingSettings, draw: number): number {
  const {temperature, seed} = settings;
  const best = largestLogit(logits);
  if (temperature === 0) return best;
  const largest = logits[best];
  const weightOf = (id: number): number => exponential((logits[id] - largest) / temperature);
  const ids = candidates(logits, settings, weightOf);
  const count = ids?.length ?? logits.length;
  const weights = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) {
    const weight = weightOf(ids === undefined ? rank : ids[rank]);
    weights[rank] = weight;
    total += weight;
  }
  const point = randomStream([seed, TAG], draw).uniform() * total;
  let passed = 0;
  let rank = 0;
  for (; rank < count - 1; rank++) {
    passed += weights[rank];
    // Rounded up to the whole, the point lies behind the last id that has a share, not behind those without one.
    if (point < passed || passed === total) break;
  }
  return ids === undefined ? rank : ids[rank];
}

/** The first id of the largest logit. Errors: LogitsError. */
function largestLogit(logits: Float32Array): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    if (!(logits[id] < Number.POSITIVE_INFINITY)) throw new LogitsError(noChoice(id, logits[id]));
    if (logits[id] > logits[best]) best = id;
  }
  if (logits[best] === Number.NEGATIVE_INFINITY) throw new LogitsError(noChoice(best, logits[best]));
  return best;
}

function noChoice(id: number, logit: number): string {
  return (
    `no token can be chosen: the model's logit of id ${id} is ${logit}; the weights are damaged or their training ` +
    'has diverged, or numbers leave the range of float16 where products are computed in it'
  );
}

/** Ids that are among the k most likely and in the nucleus, from most to least likely; undefined where all are. */
function candidates(
  logits: Float32Array,
  {topK, topP}: SamplingSettings,
  weightOf: (id: number) => number,
): number[] | undefined {
  if (topK === 0 && topP === 1) return undefined;
  const likely = topK > 0 ? mostLikely(logits, topK) : undefined;
  if (topP === 1 && likely !== undefined) return likely;
  let total = 0;
  if (likely !== undefined) for (const id of likely) total += weightOf(id);
  else for (let id = 0; id < logits.length; id++) total += weightOf(id);
  for (const count of [FIRST_CANDIDATES, logits.length]) {
    const ids = likely ?? mostLikely(logits, count);
    let mass = 0;
    let kept = 0;
    for (; kept < ids.length && (kept === 0 || mass < topP * total); kept++) mass += weightOf(ids[kept]);
    if (ids === likely || mass >= topP * total) return ids.slice(0, kept);
  }
  return undefined;
}
