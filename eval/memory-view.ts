// The memory view: what each layer stored of a sequence, when and why, and how its attention divides.

import {dispose, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {SettingError} from '../config/schema.js';
import type {MixerAnalysis, MixerSettings} from '../layers/index.js';
import {StoredPositions} from '../layers/stored-positions.js';
import type {LanguageModel} from '../models/index.js';
import {mixersOf} from '../models/layer-plan.js';
import {disposeModelState} from '../models/state.js';

/** A token that was kept word for word for some time, with when and why. */
export interface StoredToken {
  readonly position: number;
  readonly token: number;
  /** Why: how far the fading memory was from predicting it. */
  readonly innovation: number;
  /** When: the first query position that can attend to it as stored. */
  readonly from: number;
  /** The first query position that no longer can, because tokens of larger innovation took its place; L when it stays. */
  readonly until: number;
}

/** What the memories of one layer did with a sequence of L tokens, as plain numbers. */
export interface LayerMemory {
  readonly layer: number;
  /** Innovation of each token [L]; absent without a fading memory. */
  readonly innovation?: readonly number[];
  /** Stored tokens by position; absent without eidetic slots. A token that left does not come back. */
  readonly stored?: readonly StoredToken[];
  /**
   * Shares of attention by head and position [H][L][3]: in-context, fading, eidetic, and with memory in storage that too
   * [H][L][4]; each sums to 1. Absent without attention.
   */
  readonly shares?: readonly (readonly (readonly number[])[])[];
}

/** What every layer of a model stored of one sequence, when and why, and how its attention divides. */
export interface MemoryView {
  /** That of all layers that attend; where they differ, the model's own setting. */
  readonly window: number;
  readonly tokens: readonly number[];
  readonly layers: readonly LayerMemory[];
}

/** Tokens that are looked at together: more of them take more memory at once, and no less time each. */
const STRETCH = 512;

/**
 * Runs one sequence of token ids through the model and reads from the device what its memories did. It is read in stretches, so
 * that this takes no more of the device's memory for a long sequence than for a short one. Errors: SettingError for no tokens.
 */
export async function memoryView(model: LanguageModel, tokens: ArrayLike<number>): Promise<MemoryView> {
  const ids = Array.from(tokens);
  const {length} = ids;
  if (length === 0) throw new SettingError('memoryView: there must be at least one token, got none');
  const mixers = mixersOf(model.config);
  const records = mixers.map(settings => new LayerRecord(settings));
  let state = model.initialAnalysis(1);
  try {
    for (let at = 0; at < length; at += STRETCH) {
      const stretch = Int32Array.from(ids.slice(at, at + STRETCH));
      const past = state;
      const step = tidy(() => model.analyzeStep(tensor2d(stretch, [1, stretch.length], 'int32'), past));
      disposeModelState(past);
      state = step.state;
      try {
        for (const [layer, analysis] of step.analyses.entries())
          await records[layer].add(analysis, stretch.length);
      } finally {
        for (const analysis of step.analyses) dispose({...analysis});
      }
    }
  } finally {
    disposeModelState(state);
  }
  const layers = records.map((record, layer) => ({layer, ...record.memory(ids)}));
  const windows = new Set(mixers.filter(({attention}) => attention).map(({window}) => window));
  const [window] = windows.size === 1 ? windows : [model.config.window];
  return {window, tokens: ids, layers};
}

/** What the analyses of one layer and one sequence say, off the device, in the order of their tokens. */
export class LayerRecord {
  private innovation: number[] | undefined;
  /** By chunk, [C, me]. */
  private stored: number[] | undefined;
  private shares: number[][][] | undefined;
  private readonly positions: StoredPositions;

  constructor(private readonly settings: MixerSettings) {
    this.positions = new StoredPositions(settings);
  }

  /** Of the next `length` tokens. */
  async add(
    {innovation, stored, shares}: Pick<MixerAnalysis, 'innovation' | 'stored' | 'shares'>,
    length: number,
  ): Promise<void> {
    if (innovation !== undefined)
      this.innovation = [...(this.innovation ?? []), ...(await innovation.data())];
    if (stored !== undefined)
      this.stored = [...(this.stored ?? []), ...this.positions.follow(await stored.data(), length)];
    if (shares !== undefined) {
      const fresh = sharesByHead(await shares.data(), shares.shape);
      this.shares = fresh.map((rows, head) => [...(this.shares?.[head] ?? []), ...rows]);
    }
  }

  /** Of the sequence whose tokens these are. */
  memory(tokens: readonly number[]): Omit<LayerMemory, 'layer'> {
    const {innovation, stored, shares, settings} = this;
    const {window, eideticSlots} = settings;
    return {
      innovation,
      stored: stored && innovation && storedTokens(stored, eideticSlots, tokens, innovation, window),
      shares,
    };
  }
}

/** Shares [1, L, H, 3 or 4] as [H][L][3 or 4]. */
function sharesByHead(
  rows: Float32Array | Int32Array | Uint8Array,
  [, length, heads, memories]: readonly number[],
): number[][][] {
  return Array.from({length: heads}, (_, head) =>
    Array.from({length}, (_, position) => {
      const at = memories * (position * heads + head);
      return Array.from(rows.subarray(at, at + memories));
    }),
  );
}

function storedTokens(
  positions: ArrayLike<number>,
  slots: number,
  tokens: readonly number[],
  innovation: readonly number[],
  window: number,
): StoredToken[] {
  const spans: {position: number; from: number; until: number}[] = [];
  const last = new Map<number, (typeof spans)[number]>();
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i];
    if (position < 0) continue;
    const from = Math.floor(i / slots) * window;
    const until = Math.min(tokens.length, from + window);
    const before = last.get(position);
    if (before?.until === from) before.until = until;
    else {
      const span = {position, from, until};
      spans.push(span);
      last.set(position, span);
    }
  }
  return spans
    .sort((a, b) => a.position - b.position || a.from - b.from)
    .map(({position, ...span}) => ({
      position,
      token: tokens[position],
      innovation: innovation[position],
      ...span,
    }));
}

/** Mean shares over heads, at each position [L][3 or 4]. */
export function meanShares({shares = []}: LayerMemory): number[][] {
  const [first = []] = shares;
  return first.map((own, position) =>
    own.map((_, memory) => shares.reduce((sum, head) => sum + head[position][memory], 0) / shares.length),
  );
}
