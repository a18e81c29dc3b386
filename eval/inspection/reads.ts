// What one query attends to: its softmax over the rows that it sees, in plain loops.

import {fadingRows, windowRows} from '../../custom-ops/memory-attention/geometry.js';
import type {MixerSettings} from '../../layers/index.js';

/** The memories that one softmax attends over: tokens in the window, fading tokens, stored tokens, tokens in storage. */
export type MemoryName = 'window' | 'fading' | 'eidetic' | 'storage';

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
  /** With memory in storage: queries and keys as they are matched there, and the rows that were retrieved, [L, G, K]. */
  readonly storage?: {
    readonly queries: Float32Array;
    readonly keys: Float32Array;
    readonly retrieved: Int32Array;
  };
  readonly length: number;
  readonly heads: number;
  readonly groups: number;
  readonly headWidth: number;
}

/** Positions that the query at a position retrieved for a key head, [K]; -1 where there were fewer. */
function retrievedBy(position: number, group: number, {storage, groups, length}: MatchedArrays): Int32Array {
  const retrieved = storage?.retrieved ?? new Int32Array(0);
  const count = retrieved.length / (length * groups);
  const first = (position * groups + group) * count;
  return retrieved.subarray(first, first + count);
}

/** The rows that the query at a position sees: window, fading tokens, stored tokens, and what any head retrieved. */
function seenRows(
  position: number,
  arrays: MatchedArrays,
  {window, fading, fadingTokens, eideticSlots}: MixerSettings,
): Pick<ReadRow, 'memory' | 'position'>[] {
  const {stored, length, groups} = arrays;
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
  const retrieved = new Set(
    Array.from({length: groups}, (_, group) => [...retrievedBy(position, group, arrays)]).flat(),
  );
  return [
    ...range('window', windowRows(position, attrs)),
    ...range('fading', fadingRows(position, attrs)),
    ...Array.from(slots)
      .filter(at => at >= 0)
      .map(at => ({memory: 'eidetic' as const, position: at})),
    ...[...retrieved].filter(at => at >= 0).map(at => ({memory: 'storage' as const, position: at})),
  ];
}

/** Every row that the query at `position` sees, heaviest first. */
export function readRows(position: number, arrays: MatchedArrays, settings: MixerSettings): ReadRow[] {
  const {queries, keys, fadingKeys = keys, storage, heads, groups, headWidth} = arrays;
  const rows = seenRows(position, arrays, settings);
  const weights = Array.from({length: heads}, (_, head) => {
    const group = Math.floor((head * groups) / heads);
    const own = new Set(retrievedBy(position, group, arrays));
    const scores = rows.map(row => {
      const isRetrieved = row.memory === 'storage';
      if (isRetrieved && !own.has(row.position)) return Number.NEGATIVE_INFINITY;
      const asked = isRetrieved && storage !== undefined ? storage : {queries, keys};
      const source = row.memory === 'fading' ? fadingKeys : asked.keys;
      let score = 0;
      for (let d = 0; d < headWidth; d++)
        score +=
          asked.queries[(position * heads + head) * headWidth + d] *
          source[(row.position * groups + group) * headWidth + d];
      return score / Math.sqrt(headWidth);
    });
    const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
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
