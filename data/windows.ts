// Windows of consecutive tokens: what language models train on and are scored on.

import {BmojoError} from '../errors/bmojo-error.js';
import {randomStream} from './random.js';
import type {TokenSource} from './token-source.js';

/**
 * Windows of consecutive tokens side by side, B = `size` rows of L = `length`; labels are the inputs one
 * token later.
 */
export interface WindowBatch {
  readonly size: number;
  readonly length: number;
  /** Inputs [B, L], row-major. */
  readonly tokens: Int32Array;
  /** The token after each input [B, L]. */
  readonly labels: Int32Array;
}

/**
 * A context for which a corpus has no window: the message says how long the longest document is, and what
 * helps.
 */
export class WindowError extends BmojoError {
  override readonly name = 'WindowError';
  readonly kind = 'misuse';
}

/** What helps in training, where a window is the context times the segments. */
const SHORTEN =
  'shorten the context or take fewer segments, or let windows cross the borders of documents (crossBorders)';

const TAG = 0x776e6477;

/**
 * The starts of all windows of `length` inputs and their labels: every place in a document that has `length + 1` tokens
 * left, or in the whole stream when windows may cross documents' borders.
 */
export class WindowIndex {
  /** Windows in documents before each, [documents + 1]. */
  private readonly before: Float64Array;
  private readonly borders: Float64Array;

  /** `remedy`: what helps where there is no window. Errors: WindowError then. */
  constructor(
    private readonly source: TokenSource,
    readonly length: number,
    {crossBorders = false, remedy = SHORTEN}: {crossBorders?: boolean; remedy?: string} = {},
  ) {
    this.borders = crossBorders ? Float64Array.of(0, source.count) : source.borders;
    this.before = new Float64Array(this.borders.length);
    for (let i = 1; i < this.borders.length; i++) {
      const inside = Math.max(0, this.borders[i] - this.borders[i - 1] - length);
      this.before[i] = this.before[i - 1] + inside;
    }
    if (this.count > 0) return;
    const most = this.borders.reduce((m, at, i) => (i === 0 ? m : Math.max(m, at - this.borders[i - 1])), 0);
    throw new WindowError(
      `windows: a document must have more than ${length} tokens, the longest has ${most}; ${remedy}`,
    );
  }

  /** Number of different windows. */
  get count(): number {
    return this.before[this.before.length - 1];
  }

  /** Share of the documents' tokens in documents that are too short for a window. */
  get unused(): number {
    let lost = 0;
    for (let i = 1; i < this.borders.length; i++) {
      if (this.before[i] === this.before[i - 1]) lost += this.borders[i] - this.borders[i - 1];
    }
    return lost / this.source.count;
  }

  /** Start of window `number` in [0, count). */
  start(number: number): number {
    let [low, high] = [0, this.before.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.before[middle] <= number) low = middle;
      else high = middle;
    }
    return this.borders[low] + (number - this.before[low]);
  }

  /** Start of the random window `index` of a seed: the same on every machine. */
  randomStart(seed: number, index: number): number {
    return this.start(randomStream([seed, TAG], index).integer(this.count));
  }

  /** Starts of up to `most` windows that do not overlap within a document, spread evenly over the documents. */
  spread(most: number): number[] {
    const starts: number[] = [];
    for (let i = 1; i < this.borders.length; i++) {
      const last = this.borders[i] - this.length - 1;
      for (let at = this.borders[i - 1]; at <= last; at += this.length) starts.push(at);
    }
    if (starts.length <= most) return starts;
    return Array.from({length: most}, (_, i) => starts[Math.floor((i * starts.length) / most)]);
  }
}

/**
 * Reads the windows of `length` tokens that begin at `starts`, with the token after each. Errors: those of
 * `source.read`.
 */
export function readWindows(source: TokenSource, starts: readonly number[], length: number): WindowBatch {
  const tokens = new Int32Array(starts.length * length);
  const labels = new Int32Array(starts.length * length);
  starts.forEach((start, row) => {
    const ids = source.read(start, length + 1);
    tokens.set(ids.subarray(0, length), row * length);
    labels.set(ids.subarray(1), row * length);
  });
  return {size: starts.length, length, tokens, labels};
}
