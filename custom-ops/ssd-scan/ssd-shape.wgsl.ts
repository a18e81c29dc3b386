// Sizes of one call as its passes see them, and what they read: rows of tokens, of states and of scores.

import type {Bindings, GpuLimits, PlanRequest} from '../wgsl/plan.js';
import {constants} from '../wgsl/plan.js';
import {load4, rowType} from '../wgsl/rows.js';
import type {SsdScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';
import {BLOCK} from './block-product.wgsl.js';

export interface SsdShape {
  readonly B: number;
  readonly L: number;
  readonly H: number;
  readonly P: number;
  readonly G: number;
  readonly N: number;
  /** Chunks. */
  readonly S: number;
  /** Blocks of rows of a chunk, of P and of N. */
  readonly rowBlocks: number;
  readonly inputBlocks: number;
  readonly stateBlocks: number;
  readonly attrs: SsdScanAttributes;
  readonly present: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
  readonly limits: GpuLimits;
}

export function ssdShape({dims, attrs, present, wanted, limits}: PlanRequest<SsdScanAttributes>): SsdShape {
  const {B, L, H, P, G, N} = dims;
  return {
    ...{B, L, H, P, G, N, attrs, present, wanted, limits},
    S: Math.ceil(L / CHUNK),
    rowBlocks: CHUNK / BLOCK,
    inputBlocks: Math.ceil(P / BLOCK),
    stateBlocks: Math.ceil(N / BLOCK),
  };
}

/** Names of a chunk's tokens, of heads and of sizes in WGSL. */
export function ssdConstants({B, L, H, P, G, N, S}: SsdShape): string {
  return `
${constants({BATCH: B, TOKENS: L, HEADS: H, WIDTH: P, GROUPS: G, STATES: N, CHUNKS: S, CHUNK})}
var<private> batch: u32;
var<private> chunk: u32;
var<private> head: u32;
var<private> group: u32;
fn tokensOfChunk() -> u32 { return min(CHUNK, TOKENS - chunk * CHUNK); }
fn tokenRow(line: u32) -> u32 { return batch * TOKENS + chunk * CHUNK + line; }
fn headOfChunk() -> u32 { return (batch * CHUNKS + chunk) * HEADS + head; }`;
}

/** WGSL that sets `batch`, `chunk` and `head` from `index`, the number of a head of a chunk. */
export const placeOfHead = `
  head = index % HEADS;
  chunk = index / HEADS % CHUNKS;
  batch = index / (HEADS * CHUNKS);
  group = head / (HEADS / GROUPS);`;

/** WGSL that sets `batch`, `chunk` and `group` from `index`, the number of a group of a chunk. */
export const placeOfGroup = `
  group = index % GROUPS;
  chunk = index / GROUPS % CHUNKS;
  batch = index / (GROUPS * CHUNKS);`;

const reachOf = (width: number): number => (BLOCK / 4) * Math.ceil(width / BLOCK);

/** WGSL function of a line of [B, L, H, P], a token of the head, times `factor`, WGSL that may name `line`. */
export function inputLines({P}: SsdShape, of: string, name: string, factor?: string): string {
  const value = load4({name, width: P, reach: reachOf(P)}, 'tokenRow(line) * HEADS + head', 'quad');
  return linesOf(of, 'tokensOfChunk()', value, factor);
}

/** The same of [B, L, G, N], a token of the group. */
export function sharedLines({N}: SsdShape, of: string, name: string, factor?: string): string {
  const value = load4({name, width: N, reach: reachOf(N)}, 'tokenRow(line) * GROUPS + group', 'quad');
  return linesOf(of, 'tokensOfChunk()', value, factor);
}

/** The same of [B, S, H, P, N], a channel of the head's state before or behind the chunk. */
export function stateLines({N}: SsdShape, of: string, name: string): string {
  return linesOf(
    of,
    'WIDTH',
    load4({name, width: N, reach: reachOf(N)}, 'headOfChunk() * WIDTH + line', 'quad'),
  );
}

/** The same of [B, S, G, Q, Q]. */
export function scoreLines(of: string, name: string): string {
  const value = `${name}[(((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + line) * ${CHUNK / 4}u + quad]`;
  return linesOf(of, 'CHUNK', value);
}

function linesOf(of: string, lines: string, value: string, factor?: string): string {
  return `
fn ${of}(line: u32, quad: u32) -> vec4f {
  if (line >= ${lines}) { return vec4f(); }
  return ${factor === undefined ? '' : `(${factor}) * `}${value};
}`;
}

/** Bindings of rows of the sizes that inputs have. */
export function inputBindings({P}: SsdShape, ...names: string[]): Bindings {
  return Object.fromEntries(names.map(name => [name, rowType(P)]));
}
export function sharedBindings({N}: SsdShape, ...names: string[]): Bindings {
  return Object.fromEntries(names.map(name => [name, rowType(N)]));
}

/** Decays and step sizes of a chunk's tokens in workgroup memory: `decayOf(t)`, `stepOf(t)`, and by fours. */
export const tokenMemory = `
var<workgroup> decays: array<vec4f, ${CHUNK / 4}>;
var<workgroup> stepSizes: array<vec4f, ${CHUNK / 4}>;
fn decayOf(t: u32) -> f32 { return decays[t / 4u][t % 4u]; }
fn stepOf(t: u32) -> f32 { return stepSizes[t / 4u][t % 4u]; }
fn fromStart(t: u32) -> f32 { return exp2(decayOf(t)); }
fn untilEnd(t: u32) -> f32 { return exp2(decayOf(CHUNK - 1u) - decayOf(t)); }`;

/** WGSL that fills it for the present head; all threads of the workgroup must reach it. */
export const loadTokens = `
  if (local < ${CHUNK / 4}u) {
    let at = headOfChunk() * CHUNK + 4u * local;
    let one = steps[at]; let two = steps[at + 1u]; let three = steps[at + 2u]; let four = steps[at + 3u];
    decays[local] = vec4f(one.x, two.x, three.x, four.x);
    stepSizes[local] = vec4f(one.y, two.y, three.y, four.y);
  }
  workgroupBarrier();`;
