// Which queries see which rows: the WGSL that forward and backward kernels of memoryAttention share.
//
// Query i (0 .. L-1) stands at row r(i) = queryOffset + i of the keys, in chunk c(i) = floor((phase + i) / w).

import type {PlanRequest} from '../wgsl/plan.js';
import {checkRows, constants, floatLiteral, MOST_ROWS} from '../wgsl/plan.js';
import {load4, store4} from '../wgsl/rows.js';
import type {MemoryAttentionAttributes} from './attributes.js';

export {rowBindings} from '../wgsl/rows.js';

export type AttentionRequest = PlanRequest<MemoryAttentionAttributes>;

/** Sizes and choices that follow from one request. */
export interface Geometry {
  readonly B: number;
  readonly L: number;
  /** Rows of keys. */
  readonly M: number;
  readonly H: number;
  readonly G: number;
  readonly Dh: number;
  readonly w: number;
  readonly C: number;
  readonly me: number;
  /** Query heads of one key head. */
  readonly repeats: number;
  /** vec4f that hold a row of Dh. */
  readonly vectors: number;
  readonly hasFading: boolean;
  readonly hasEidetic: boolean;
  /** Numbers from the struct `uniforms`. */
  readonly uniformNames: readonly string[];
  /** WGSL constants and functions. */
  readonly code: string;
}

export function geometry({dims, attrs, present}: AttentionRequest): Geometry {
  const {B, L, H, G, Dh} = dims;
  checkRows('memoryAttention', dims.M);
  const w = attrs.window;
  const me = present.has('positions') ? dims.me : 0;
  const code = `
${constants({BATCH: B, QUERIES: L, HEADS: H, GROUPS: G, REPEATS: H / G, WIDTH: Dh, SLOTS: me, CHUNKS: dims.C})}
const REACH: i32 = ${Math.min(w, MOST_ROWS)};
const CHUNK: i32 = ${w};
const FADING: i32 = ${Math.min(attrs.fadingTokens, MOST_ROWS)};
const SCALE: f32 = ${floatLiteral(Dh ** -0.5)};
// A stream's rows grow with every token: as constants they would make a new pipeline each time.
fn rows() -> u32 { return u32(uniforms.rows); }
fn queryOffset() -> i32 { return i32(uniforms.queryOffset); }
fn earliestRow() -> i32 { return i32(uniforms.earliest); }
fn phase() -> i32 { return i32(uniforms.phase); }
// First query of a chunk; may be negative for the first chunk.
fn chunkStart(chunk: i32) -> i32 { return chunk * CHUNK - phase(); }
fn firstQuery(chunk: i32) -> i32 { return max(0, chunkStart(chunk)); }
fn lastQuery(chunk: i32) -> i32 { return min(i32(QUERIES), chunkStart(chunk + 1)) - 1; }`;
  return {
    B,
    L,
    M: dims.M,
    H,
    G,
    Dh,
    w,
    C: dims.C,
    me,
    repeats: H / G,
    vectors: Math.ceil(Dh / 4),
    hasFading: present.has('kFading') && attrs.fading !== 'none',
    hasEidetic: me > 0,
    uniformNames: ['queryOffset', 'phase', 'rows', 'earliest'],
    code,
  };
}

/** WGSL of the v-th vec4f of a row; `v` may be an expression, of numbers below `reach`. */
export function loadRow(name: string, row: string, v: number | string, Dh: number, reach?: number): string {
  return load4({name, width: Dh, reach}, row, v);
}

/** WGSL that stores `value` as the v-th vec4f of a row, if it has so many. */
export function storeRow(
  name: string,
  row: string,
  v: number | string,
  value: string,
  Dh: number,
  reach?: number,
): string {
  return store4({name, width: Dh, reach}, row, v, value);
}

/** One line of WGSL for each v = 0 .. count-1. */
export function unroll(count: number, line: (v: number) => string): string {
  return Array.from({length: count}, (_, v) => line(v)).join('\n');
}
