// What one query attends to: its softmax over the rows that it sees, in plain loops.

import {fadingRows, windowRows} from '../../custom-ops/memory-attention/geometry.js';
import type {MixerSettings} from '../../layers/index.js';

/** The memories that one softmax attends over: tokens in the window, fading tokens, stored tokens. */
export type MemoryName = 'window' | 'fading' | 'eidetic';

/** A row that a query attends to. */
export interface ReadRow {
  readonly memory: MemoryName;
  readonly position: number;
  /** Tokens from the row back to the query. */
  readonly distance: number;
  /** Part of the attention of each head, [H]; over all rows of a query each head's parts sum to 1. */
  readonly weights: readonly number[];
}

/** Queries, keys and stored positions of one layer and one sequence, off the device. */
export interface MatchedArrays {
  /** [L, H, Dh]. */
  readonly queries: Float32Array;
  /** [L, G, Dh]. */
  readonly keys: Float32Array;
  readonly fadingKeys?: Float32Array;
  /** [C, me]. */
  readonly stored?: Int32Array;
  readonly length: number;
  readonly heads: number;
  readonly groups: number;
  readonly headWidth: number;
}

/** The rows that the query at a position sees: window, fading tokens, stored tokens. */
function seenRows(
  position: number,
  {stored, length}: MatchedArrays,
  {window, fading, fadingTokens, eideticSlots}: MixerSettings,
): Pick<ReadRow, 'memory' | 'position'>[] {
  const reach = window === 0 ? length : window;
  const attrs = {
    window: reach,
    fading,
    fadingTokens: fadingTokens === 0 ? reach : fadingTokens,
    queryOffset: 0,
    firstRow: 0,
    phase: 0,
  };
  const range = (memory: MemoryName, {begin, end}: {begin: number; end: number}) =>
    Array.from({length: Math.max(0, end - begin)}, (_, i) => ({memory, position: begin + i}));
  const slots = stored?.subarray(Math.floor(position / reach) * eideticSlots).subarray(0, eideticSlots) ?? [];
  return [
    ...range('window', windowRows(position, attrs)),
    ...range('fading', fadingRows(position, attrs)),
    ...Array.from(slots)
      .filter(at => at >= 0)
      .map(at => ({memory: 'eidetic' as const, position: at})),
  ];
}

/** Every row that the query at `position` sees, heaviest first. */
export function readRows(position: number, arrays: MatchedArrays, settings: MixerSettings): ReadRow[] {
  const {queries, keys, fadingKeys = keys, heads, groups, headWidth} = arrays;
  const rows = seenRows(position, arrays, settings);
  const weights = Array.from({length: heads}, (_, head) => {
    const group = Math.floor((head * groups) / heads);
    const scores = rows.map(row => {
      const source = row.memory === 'fading' ? fadingKeys : keys;
      let score = 0;
      for (let d = 0; d < headWidth; d++)
        score +=
          queries[(position * heads + head) * headWidth + d] *
          source[(row.position * groups + group) * headWidth + d];
      return score / Math.sqrt(headWidth);
    });
    const largest = Math.max(...scores);
    const parts = scores.map(score => Math.exp(score - largest));
    const total = parts.reduce((sum, part) => sum + part, 0);
    return parts.map(part => part / total);
  });
  const mean = ({weights: parts}: ReadRow): number => parts.reduce((sum, part) => sum + part, 0);
  return rows
    .map((row, i) => ({
      ...row,
      distance: position - row.position,
      weights: weights.map(parts => parts[i]),
    }))
    .sort((a, b) => mean(b) - mean(a));
}
