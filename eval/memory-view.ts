// The memory view: what each layer stored of a sequence, when and why, and how its attention divides.

import type {Tensor} from '@tensorflow/tfjs-core';
import {tensor2d} from '@tensorflow/tfjs-core';
import type {MixerAnalysis} from '../layers/index.js';
import type {LanguageModel} from '../models/index.js';
import {mixersOf} from '../models/layer-plan.js';

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

/** Runs one sequence of token ids through the model and reads from the device what its memories did. */
export async function memoryView(model: LanguageModel, tokens: ArrayLike<number>): Promise<MemoryView> {
  const ids = Array.from(tokens);
  const input = tensor2d(Int32Array.from(ids), [1, ids.length], 'int32');
  const analyses = model.analyze(input);
  input.dispose();
  const mixers = mixersOf(model.config);
  const layers: LayerMemory[] = [];
  for (const [layer, analysis] of analyses.entries()) {
    layers.push({layer, ...(await layerMemory(analysis, ids, mixers[layer].window))});
    for (const value of Object.values(analysis)) (value as Tensor | undefined)?.dispose();
  }
  const windows = new Set(mixers.filter(({attention}) => attention).map(({window}) => window));
  const [window] = windows.size === 1 ? windows : [model.config.window];
  return {window, tokens: ids, layers};
}

/** What an analysis of one sequence says, off the device. */
export async function layerMemory(
  {innovation, stored, shares}: MixerAnalysis,
  tokens: readonly number[],
  window: number,
): Promise<Omit<LayerMemory, 'layer'>> {
  const scores = innovation === undefined ? undefined : Array.from(await innovation.data());
  const rows = shares === undefined ? undefined : await shares.data();
  const [, length, heads, memories] = shares?.shape ?? [1, tokens.length, 0, 0];
  return {
    innovation: scores,
    stored:
      stored === undefined || scores === undefined
        ? undefined
        : storedTokens(await stored.data(), stored.shape[2], tokens, scores, window),
    shares:
      rows &&
      Array.from({length: heads}, (_, head) =>
        Array.from({length}, (_, position) => {
          const at = memories * (position * heads + head);
          return Array.from(rows.subarray(at, at + memories));
        }),
      ),
  };
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
