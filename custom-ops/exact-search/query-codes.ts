// Codes of queries, from which a search bounds the scores of rows that have codes (row-codes.h). The README has the proof: each
// term below is one of its.

/** kRowLevels of row-codes.h. */
export const ROW_LEVELS = 127;
/** Codes of a query run from minus to plus so many at most. */
const QUERY_LEVELS = 32767;
/** Sum of magnitudes up to which no product or sum of float32 overflows. */
const MOST = 2 ** 60;
/** What underflows of one number's product is less, as a share of a row's scale. */
const UNDERFLOW = 2 ** -59;

/** Codes of queries of `width` numbers. */
export interface QueryCodes {
  readonly codes: Int16Array;
  /** Scale and spread of each query; a spread that is infinite bounds nothing. */
  readonly bounds: Float32Array;
}

/** The largest code of a query such that no sum of `width` products of codes overflows an int32. */
function queryLevels(width: number): number {
  return Math.min(QUERY_LEVELS, Math.floor((2 ** 31 - 1) / (ROW_LEVELS * width)));
}

/**
 * Writes the codes of queries [n, Dh], `width` Dh, and what bounds their scores: a row of codes c and scale s scores at most
 * s (scale Σ code c + spread).
 */
export function encodeQueries(queries: Float32Array, width: number, {codes, bounds}: QueryCodes): void {
  const levels = queryLevels(width);
  const rounding = ROW_LEVELS * ((width + 8) * 2 ** -23 + 2 ** -20);
  for (let i = 0; i * width < queries.length; i++) {
    const query = queries.subarray(i * width, (i + 1) * width);
    let [largest, norm] = [0, 0];
    for (const number of query) {
      largest = Math.max(largest, Math.abs(number));
      norm += Math.abs(number);
    }
    const isBounded = norm <= MOST;
    const scale = isBounded ? Math.fround(largest / levels) : 0;
    let rest = 0;
    for (const [d, number] of query.entries()) {
      const code = scale === 0 ? 0 : Math.max(-levels, Math.min(levels, Math.round(number / scale)));
      codes[i * width + d] = code;
      rest = Math.max(rest, Math.abs(number - scale * code));
    }
    const spread = norm * (0.5 + 2 ** -16 + rounding) + ROW_LEVELS * width * rest + width * UNDERFLOW;
    bounds[2 * i] = scale;
    bounds[2 * i + 1] = isBounded ? spread * (1 + 2 ** -16) : Infinity;
  }
}
