// Which ids may be written: a model often has more than its tokenizer, behind its last one and between them.

import {refuse} from '../custom-ops/check.js';
import type {Tokenizer} from '../data/tokenizers/index.js';

/** Ids that may be written, by default all. */
export interface WritableIds {
  /** Only ids below this one are written: those of the tokenizer, where the vocabulary is padded. Default all. */
  readonly ids?: number;
  /** Ids that are never written. Default none; where text is written, those that its tokenizer has no token for come on top. */
  readonly suppressTokens?: readonly number[];
}

const isWhole = (value: unknown, least: number): boolean => Number.isInteger(value) && Number(value) >= least;

/** Errors: ArgumentError for what is no list of ids, and where none of `vocabSize` is left. */
export function checkWritable(
  caller: string,
  {ids, suppressTokens = []}: WritableIds,
  vocabSize: number,
): void {
  if (ids !== undefined && !isWhole(ids, 1))
    refuse(caller, 'ids', 'how many of the first ids may be written, a whole number from 1', ids);
  if (!Array.isArray(suppressTokens)) refuse(caller, 'suppressTokens', 'a list of ids', suppressTokens);
  const bad = suppressTokens.findIndex(id => !isWhole(id, 0));
  if (bad >= 0) refuse(caller, `suppressTokens[${bad}]`, 'an id, a whole number from 0', suppressTokens[bad]);
  const below = Math.min(vocabSize, ids ?? vocabSize);
  const never = new Set(suppressTokens.filter(id => id < below));
  if (never.size === below)
    refuse(caller, 'suppressTokens', `to leave one of the ids in [0, ${below})`, 'all of them');
}

/** The ids that have text: those of the tokenizer, but for those that it has no token for and those that are given. */
export function idsWithText(
  {vocabSize, unusedIds = []}: Tokenizer,
  suppressTokens: readonly number[] = [],
): WritableIds {
  return {ids: vocabSize, suppressTokens: [...suppressTokens, ...unusedIds]};
}

/** Logits of the ids that may be written: those behind are left away, those between are as unlikely as can be. */
export function writableLogits(
  logits: Float32Array,
  {ids = logits.length, suppressTokens = []}: WritableIds,
): Float32Array {
  const known = logits.subarray(0, Math.min(logits.length, ids));
  if (suppressTokens.length === 0) return known;
  const changed = known.slice();
  for (const id of suppressTokens) if (id < changed.length) changed[id] = -Infinity;
  return changed;
}
