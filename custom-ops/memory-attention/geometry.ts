// Which rows a query sees. Row i + queryOffset is query i's own; see the README for the three memories.

import type {MemoryAttentionAttributes} from './attributes.js';

/** Attributes that say which rows are seen. */
export type Sight = Omit<MemoryAttentionAttributes, 'precision'>;

export interface RowRange {
  readonly begin: number;
  /** One past the last row; not above begin when there is none. */
  readonly end: number;
}

export function chunkOf(query: number, {phase, window}: Sight): number {
  return Math.floor((phase + query) / window);
}

/** Rows of k and v in the window of a query. */
export function windowRows(query: number, {queryOffset, window, firstRow}: Sight): RowRange {
  const own = queryOffset + query;
  return {begin: Math.max(firstRow, own - window + 1), end: own + 1};
}

/** Rows of kFading and vFading that a query sees. */
export function fadingRows(query: number, attrs: Sight): RowRange {
  const {queryOffset, window, firstRow, fading, fadingTokens, phase} = attrs;
  const own = queryOffset + query;
  if (fading === 'sliding') {
    return {begin: Math.max(firstRow, own - 2 * window + 1), end: own - window + 1};
  }
  const chunkStart = queryOffset + chunkOf(query, attrs) * window - phase;
  return fading === 'chunk'
    ? {begin: Math.max(firstRow, chunkStart - fadingTokens), end: chunkStart}
    : {begin: 0, end: 0};
}
