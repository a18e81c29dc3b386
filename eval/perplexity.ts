// Loss against the length of what came before: does a model use its past, and does it bear more of it than it was trained on?

import type {Batch} from '../data/batch.js';
import type {TokenSource} from '../data/token-source.js';
import type {WindowBatch} from '../data/windows.js';
import {readWindows, WindowIndex} from '../data/windows.js';
import {nextTurn} from '../models/turn.js';
import {beginBatch} from './begin-batch.js';
import {meanWithError} from './mean-with-error.js';
import type {ScorableModel} from './scorable.js';
import {scoreBatch} from './score.js';

/** Options of {@link evaluatePerplexity}: all but `reference`, `startTokens` and `onProgress` must be given. */
export interface PerplexityOptions {
  /** Tokens before the scored ones, each a measurement of its own, ascending. */
  readonly prefixes: readonly number[];
  /** Tokens scored in each window. */
  readonly targets: number;
  /** Windows, spread over the documents; fewer when there are not so many. */
  readonly windows: number;
  /** Windows computed at a time. */
  readonly batch: number;
  /** Tokens of a training sample: the longest prefix that fits it with the targets is what others are compared with. */
  readonly trained: number;
  /** One of `prefixes` that others are compared with instead. */
  readonly reference?: number;
  /** Ids before each window, where the model expects some; prefixes do not count them. Default none. */
  readonly startTokens?: readonly number[];
  /** Told the number of tokens of each batch when it is scored. */
  readonly onProgress?: (tokens: number) => void;
}

/**
 * A mean over tokens of the loss, with the perplexity and the bits for each byte of text that follow from it.
 */
export interface LossPoint {
  readonly tokens: number;
  /** Nats a token. */
  readonly loss: number;
  /** Standard error of `loss` over windows, which share no tokens; absent for one window. */
  readonly error?: number;
  readonly perplexity: number;
  readonly bitsPerByte: number;
}

/** How much more the same tokens cost than with the reference prefix, in nats a token. */
export interface LossChange {
  readonly mean: number;
  /** Standard error over windows of the difference; absent for one window. */
  readonly error?: number;
}

/**
 * What {@link evaluatePerplexity} measured: the loss of the same tokens by prefix, and of whole windows by
 * position.
 */
export interface PerplexityReport {
  readonly windows: number;
  readonly targets: number;
  /** As asked for, or the longest prefix that fits a training sample together with the targets, or the shortest of all. */
  readonly reference: number;
  readonly byPrefix: readonly (LossPoint & {
    readonly prefix: number;
    readonly change: LossChange;
    /** Nats a token of each window, in order: for comparing models window by window. */
    readonly windowLosses: readonly number[];
  })[];
  /** Losses of whole windows from a fresh memory, in buckets of position [from, to). */
  readonly byPosition: readonly (LossPoint & {readonly from: number; readonly to: number})[];
}

/** Tokens that the measurement will read. */
export function perplexityTokens(
  {prefixes, targets}: Pick<PerplexityOptions, 'prefixes' | 'targets'>,
  windows: number,
): number {
  return windows * prefixes.reduce((sum, prefix) => sum + prefix + targets, 0);
}

/** Every position from `from` on is scored. */
function asBatch({size, length, tokens, labels}: WindowBatch, from: number): Batch {
  const count = length - from;
  const rows = Int32Array.from(
    {length: size * count},
    (_, i) => Math.floor(i / count) * length + from + (i % count),
  );
  return {
    size,
    length,
    tokens,
    rows,
    labels: Int32Array.from(rows, row => labels[row]),
    distances: new Int32Array(rows.length),
  };
}

/** Losses of a window's tokens, and the bytes that they stand for. */
interface WindowLosses {
  readonly losses: Float32Array;
  readonly bytes: Float32Array;
}

/** Of each window's last `length - from` tokens. */
async function windowLosses(
  model: ScorableModel,
  source: TokenSource,
  starts: readonly number[],
  {
    length,
    from,
    batch,
    startTokens = [],
    onProgress,
  }: {length: number; from: number} & Pick<PerplexityOptions, 'batch' | 'startTokens' | 'onProgress'>,
): Promise<WindowLosses[]> {
  const all: WindowLosses[] = [];
  for (let first = 0; first < starts.length; first += batch) {
    const some = starts.slice(first, first + batch);
    const drawn = asBatch(readWindows(source, some, length), from);
    const {losses} = await scoreBatch(model, beginBatch(drawn, startTokens));
    const bytes = Float32Array.from(drawn.labels, id => source.bytesOf(id));
    const count = length - from;
    for (let row = 0; row < some.length; row++)
      all.push(cut({losses, bytes}, row * count, (row + 1) * count));
    onProgress?.(some.length * length);
    await nextTurn();
  }
  return all;
}

function cut({losses, bytes}: WindowLosses, from: number, to?: number): WindowLosses {
  return {losses: losses.slice(from, to), bytes: bytes.slice(from, to)};
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function lossPoint(windows: readonly WindowLosses[]): LossPoint {
  const {mean: loss, ...error} = meanWithError(windows.map(({losses}) => mean(losses)));
  const tokens = windows.reduce((sum, {losses}) => sum + losses.length, 0);
  const bytes = windows.reduce((sum, window) => sum + window.bytes.reduce((a, b) => a + b, 0), 0);
  return {
    tokens,
    loss,
    ...error,
    perplexity: Math.exp(loss),
    bitsPerByte: (loss * tokens) / Math.LN2 / bytes,
  };
}

/** Borders 0, 256, 512, 1k, 2k, ... up to `length`. */
function buckets(length: number): {from: number; to: number}[] {
  const all: {from: number; to: number}[] = [];
  for (let from = 0, to = 256; from < length; from = to, to *= 2) all.push({from, to: Math.min(to, length)});
  return all;
}

/**
 * Scores the same last `targets` tokens of windows after prefixes of several lengths, each from a fresh memory that is carried
 * through the window; and every position of the longest windows. Gradients, weights and memory of other windows play no part.
 * Errors: WindowError when no document is as long as the longest prefix and the targets.
 */
export async function evaluatePerplexity(
  model: ScorableModel,
  source: TokenSource,
  options: PerplexityOptions,
): Promise<PerplexityReport> {
  const {prefixes, targets, windows} = options;
  const longest = Math.max(...prefixes);
  const starts = new WindowIndex(source, longest + targets, {
    remedy: `a prefix of ${longest} and ${targets} targets must fit; take shorter prefixes or a longer text`,
  }).spread(windows);
  const measured: {prefix: number; losses: WindowLosses[]}[] = [];
  let whole: WindowLosses[] = [];
  for (const prefix of prefixes) {
    const from = prefix === longest ? 0 : prefix;
    const own = starts.map(start => start + longest - prefix);
    const losses = await windowLosses(model, source, own, {...options, length: prefix + targets, from});
    if (prefix === longest) whole = losses;
    measured.push({prefix, losses: losses.map(window => cut(window, prefix - from))});
  }
  const fits = prefixes.filter(prefix => prefix + targets <= options.trained);
  const reference = options.reference ?? (fits.length > 0 ? Math.max(...fits) : Math.min(...prefixes));
  const compared = measured.find(({prefix}) => prefix === reference)?.losses ?? [];
  const byPrefix: PerplexityReport['byPrefix'] = measured.map(({prefix, losses}) => ({
    prefix,
    ...lossPoint(losses),
    change: meanWithError(losses.map((window, i) => mean(window.losses) - mean(compared[i].losses))),
    windowLosses: losses.map(window => mean(window.losses)),
  }));
  const byPosition = buckets(longest + targets).map(({from, to}) => ({
    from,
    to,
    ...lossPoint(whole.map(window => cut(window, from, to))),
  }));
  return {windows: starts.length, targets, reference, byPrefix, byPosition};
}
