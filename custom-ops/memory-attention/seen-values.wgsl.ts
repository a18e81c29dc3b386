// Values that are NaN or infinite. Kernels multiply a tile of values by weights that are zero for keys which a query does not
// see, and zero times such a value is NaN. A sum that is no finite number is therefore formed again, over the keys that its
// query sees and no others: slowly, but only where there is such a value.

import type {MemoryAttentionAttributes} from './attributes.js';
import type {Geometry} from './geometry.wgsl.js';
import {loadRow} from './geometry.wgsl.js';

export type Memory = 'window' | 'fading' | 'stored';

/** How a kernel reads rows of keys and values: WGSL of numbers, which may name `batch`, `chunk` and `group`. */
export interface SeenRows {
  /** By what products with keys are multiplied to be binary logarithms. */
  readonly scale: string;
  /** The row of keys and values of a row, or slot of the chunk, `at`. */
  row(memory: Memory, at: string): string;
  /** Four numbers of one. */
  key(memory: Memory, row: string, quad: string): string;
  value(memory: Memory, row: string, quad: string): string;
}

/** First and last row of the memory that the query of row `own` of chunk `chunk` sees, WGSL. */
function rangeOf(memory: Memory, {fading}: MemoryAttentionAttributes): [first: string, last: string] {
  if (memory === 'stored') return ['0', 'i32(SLOTS) - 1'];
  if (memory === 'window') return ['max(earliestRow(), own - REACH + 1)', 'own'];
  if (fading === 'sliding') return ['max(earliestRow(), own - 2 * REACH + 1)', 'own - REACH'];
  const start = '(queryOffset() + chunkStart(chunk))';
  return [`max(earliestRow(), ${start} - FADING)`, `${start} - 1`];
}

/**
 * WGSL of `finiteOrSeen(sum, batch, chunk, head, query, quad, peak, normaliser)`: four numbers of a query's sum as they are where
 * they are finite, or the normaliser is not, else by weights 2^(score - peak) of the keys that it sees.
 */
export function seenValues(g: Geometry, attrs: MemoryAttentionAttributes, rows: SeenRows): string {
  const memories: readonly Memory[] = [
    'window',
    ...(g.hasFading ? (['fading'] as const) : []),
    ...(g.hasEidetic ? (['stored'] as const) : []),
  ];
  const walk = (memory: Memory): string => {
    const [first, last] = rangeOf(memory, attrs);
    return `
  for (var at = ${first}; at <= ${last}; at++) {
    ${memory === 'stored' ? 'if (positions[(batch * CHUNKS + u32(chunk)) * SLOTS + u32(at)] < 0) { continue; }' : ''}
    let row = ${rows.row(memory, 'at')};
    var score = 0.0;
    for (var d = 0u; d < ${g.vectors}u; d++) {
      score += dot(${loadRow('q', 'queryRow', 'd', g.Dh)}, ${rows.key(memory, 'row', 'd')});
    }
    sum += exp2(${rows.scale} * score - peak) * ${rows.value(memory, 'row', 'quad')};
  }`;
  };
  return `
fn isFinite(values: vec4f) -> bool { return all((bitcast<vec4u>(values) & vec4u(0x7fffffffu)) < vec4u(0x7f800000u)); }
fn finiteOrSeen(
  given: vec4f, batch: u32, chunk: i32, head: u32, query: i32, quad: u32, peak: f32, normaliser: f32,
) -> vec4f {
  if (isFinite(given) || !isFinite(vec4f(normaliser))) { return given; }
  let group = head / REPEATS;
  let queryRow = (batch * QUERIES + u32(query)) * HEADS + head;
  let own = queryOffset() + query;
  var sum = vec4f();
  ${memories.map(walk).join('')}
  return sum;
}`;
}

/** Rows of k, v, kFading and vFading as they are. */
export function plainRows({Dh}: Geometry): SeenRows {
  const load = (name: string, memory: Memory, row: string, quad: string): string =>
    loadRow(memory === 'fading' ? `${name}Fading` : name, row, quad, Dh);
  return {
    scale: `${Math.LOG2E}f * SCALE`,
    row: (memory, at) => {
      const place =
        memory === 'stored' ? `positions[(batch * CHUNKS + u32(chunk)) * SLOTS + u32(${at})]` : at;
      return `(batch * rows() + u32(${place})) * GROUPS + group`;
    },
    key: (memory, row, quad) => load('k', memory, row, quad),
    value: (memory, row, quad) => load('v', memory, row, quad),
  };
}
