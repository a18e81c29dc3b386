// The rows of keys and values that a step sees, in bands: [stored tokens | blank rows | recent tokens | new tokens]. The only place that
// knows their order.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {concat, fill, slice} from '@tensorflow/tfjs-core';
import type {MemoryAttentionOptions} from '../custom-ops/index.js';
import type {MixerSettings} from './mixer-schema.js';
import type {Rows} from './projections.js';

/** Settings that decide which rows are kept. */
type RowSettings = Pick<MixerSettings, 'window' | 'fading' | 'fadingTokens' | 'eideticSlots' | 'storage'>;

/** Rows of the memory between two steps, by band. */
export interface KeptBands {
  /** Tokens kept verbatim: me behind the first token, empty slots included. */
  readonly stored: number;
  /** Rows without a token, which no query reaches and tokens to come will take: steps of one shape can be recorded. */
  readonly blank: number;
  /** Latest tokens. */
  readonly recent: number;
}

/** Fading tokens mf before the chunk. */
export function fadingReach({fading, fadingTokens, window}: RowSettings): number {
  return fading === 'chunk' && fadingTokens === 0 ? window : fadingTokens;
}

/** How many of the latest tokens later queries or selections may still need. */
function recentLimit(settings: RowSettings): number {
  const {window, fading, eideticSlots, storage} = settings;
  if (window === 0) return Number.POSITIVE_INFINITY;
  if (eideticSlots > 0 || storage > 0 || fading === 'sliding')
    return Math.max(2 * window, window - 1 + fadingReach(settings));
  return Math.max(1, window - 1 + (fading === 'chunk' ? fadingReach(settings) : 0));
}

/** Whether more tokens add no row to those kept after `position` tokens. */
export function isFull(settings: RowSettings, position: number): boolean {
  return position >= recentLimit(settings);
}

/** Rows kept after `position` tokens in a memory with room for `room` of them, where there is no storage. */
export function keptBands(settings: RowSettings, position: number, room = 0): KeptBands {
  const limit = recentLimit(settings);
  const recent = Math.min(position, limit);
  return {
    stored: position === 0 ? 0 : settings.eideticSlots,
    blank: settings.storage > 0 ? 0 : Math.max(0, Math.min(room, limit) - recent),
    recent,
  };
}

/** Chunk of the last of `length` tokens. */
function chunkOf(length: number, window: number): number {
  return Math.floor((length - 1) / window);
}

/** Bands of a step of `fresh` tokens behind `position` others; `room`: that of the memory. */
export class RowLayout {
  /** Rows that the memory holds before the step. */
  readonly before: KeptBands;
  /** Rows that it holds after the step. */
  readonly after: KeptBands;

  constructor(
    private readonly settings: RowSettings,
    readonly position: number,
    readonly fresh: number,
    room?: number,
  ) {
    this.before = keptBands(settings, position, room);
    this.after = keptBands(settings, position + fresh, room);
  }

  /** Rows of the memory before the step. */
  get kept(): number {
    return this.unreached + this.before.recent;
  }

  get total(): number {
    return this.kept + this.fresh;
  }

  /** Rows in front that are reached as stored tokens or not at all. */
  private get unreached(): number {
    return this.before.stored + this.before.blank;
  }

  /** Where in its chunk the first new token stands. */
  get phase(): number {
    const {window} = this.settings;
    return window === 0 ? 0 : this.position % window;
  }

  /** Whether the memory's chunk is the same before and after: then no token is stored and none has its chance. */
  get staysInChunk(): boolean {
    const {window} = this.settings;
    return (
      this.position > 0 && chunkOf(this.position + this.fresh, window) === chunkOf(this.position, window)
    );
  }

  /** The layout as operators take it; `firstRow`: rows in front are reached as stored tokens alone. */
  get options(): Required<Pick<MemoryAttentionOptions, 'window' | 'firstRow' | 'queryOffset' | 'phase'>> {
    const {window} = this.settings;
    return {
      window: window === 0 ? wholeWindow(this.total) : window,
      firstRow: this.unreached,
      queryOffset: this.kept,
      phase: this.phase,
    };
  }

  /** All rows of the step: those of the memory, then the new ones. */
  all<T extends Tensor>(kept: T | undefined, fresh: T): T {
    return kept === undefined ? fresh : concat([kept, fresh], 1);
  }

  /** All rows of fading tokens: stored tokens have none, so rows that no query reaches keep the two numberings alike. */
  allFading(kept: Rows | undefined, fresh: Rows): Rows {
    const rows = {keys: this.all(kept?.keys, fresh.keys), values: this.all(kept?.values, fresh.values)};
    if (this.before.stored === 0) return rows;
    const [batch, , groups, headWidth] = fresh.keys.shape;
    const blank = fill<Rank.R4>([batch, this.before.stored, groups, headWidth], 0);
    return {keys: concat([blank, rows.keys], 1), values: concat([blank, rows.values], 1)};
  }

  /** Position of the token of a row of the step; `slots`: positions of the stored tokens before it, by slot. */
  positionOf(row: number, slots: readonly number[]): number {
    const {stored, recent} = this.before;
    return row < stored ? slots[row] : this.position - recent + row - this.unreached;
  }

  /** Of all rows of the step, the band of stored tokens as it was before. */
  storedOf<T extends Tensor>(all: T): T {
    return firstRows(all, this.before.stored);
  }

  /** Of all rows of the step, those of the tokens that stay recent, behind the blank ones. */
  recentOf<T extends Tensor>(all: T): T {
    return lastRows(all, this.after.blank + this.after.recent);
  }

  /** The rows of the memory after the step. */
  memory<T extends Tensor>(stored: T, recent: T): T {
    return concat([stored, recent], 1);
  }

  /** How many of the tokens that stay recent have had their chance to be stored. */
  spent(overlap: boolean): number {
    const {window} = this.settings;
    const end = this.position + this.fresh;
    const chunk = chunkOf(end, window);
    const limit = (overlap ? chunk : chunk - 1) * window;
    const {recent} = this.after;
    return Math.min(recent, Math.max(0, limit - (end - recent)));
  }
}

/** A window over all of `total` rows: the same for many lengths, since backends keep a compiled kernel for each window. */
function wholeWindow(total: number): number {
  return 2 ** Math.max(10, Math.ceil(Math.log2(total)));
}

/** The first `count` entries along the token axis. */
export function firstRows<T extends Tensor>(x: T, count: number): T {
  const zero = x.shape.map(() => 0);
  return slice(
    x,
    zero,
    x.shape.map((size, axis) => (axis === 1 ? count : size)),
  );
}

/** The last `count` entries along the token axis, x itself where these are all: no copy, and nothing to dispose beside x. */
export function latestRows<T extends Tensor>(x: T, count: number): T {
  return count === x.shape[1] ? x : lastRows(x, count);
}

/** The last `count` entries along the token axis. */
export function lastRows<T extends Tensor>(x: T, count: number): T {
  const begin = x.shape.map((size, axis) => (axis === 1 ? size - count : 0));
  return slice(x, begin);
}
