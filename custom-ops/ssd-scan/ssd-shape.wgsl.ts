// Sizes of one call as its passes see them, and what they read: rows of tokens, of states and of scores.

import type {Bindings, GpuLimits, PlanRequest} from '../wgsl/plan.js';
import {constants} from '../wgsl/plan.js';
import {load4, rowType} from '../wgsl/rows.js';
import type {SsdScanAttributes} from './attributes.js';
import type {Blocks, Factor} from './blocks.wgsl.js';
import {BLOCK} from './blocks.wgsl.js';
import {matrixBlocks} from './matrix-blocks.wgsl.js';
import {registerBlocks} from './register-blocks.wgsl.js';

export interface SsdShape {
  readonly B: number;
  readonly L: number;
  readonly H: number;
  readonly P: number;
  readonly G: number;
  readonly N: number;
  /** Tokens of a chunk, and chunks. */
  readonly Q: number;
  readonly S: number;
  /** Blocks of rows of a chunk, of P and of N. */
  readonly rowBlocks: number;
  readonly inputBlocks: number;
  readonly stateBlocks: number;
  readonly attrs: SsdScanAttributes;
  readonly present: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
  readonly limits: GpuLimits;
  /** How products are computed. */
  readonly blocks: Blocks;
}

export function ssdShape({dims, attrs, present, wanted, limits}: PlanRequest<SsdScanAttributes>): SsdShape {
  const {B, L, H, P, G, N, S, chunk: Q} = dims;
  return {
    ...{B, L, H, P, G, N, S, Q, attrs, present, wanted, limits},
    rowBlocks: Q / BLOCK,
    inputBlocks: Math.ceil(P / BLOCK),
    stateBlocks: Math.ceil(N / BLOCK),
    blocks: matrixBlocks(attrs.precision, limits, Q) ?? registerBlocks(attrs.precision, limits),
  };
}

/** Names of a chunk's tokens, of heads and of sizes in WGSL. */
export function ssdConstants({B, L, H, P, G, N, S, Q}: SsdShape): string {
  return `
${constants({BATCH: B, TOKENS: L, HEADS: H, WIDTH: P, GROUPS: G, STATES: N, CHUNKS: S, CHUNK: Q})}
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

/** A factor's lines: WGSL functions `${name}Fetched` and `${name}Made`, as {@link Factor} has them. */
export interface Lines {
  readonly code: string;
  along(first: string): Factor;
  across(first: string): Factor;
  /** WGSL of four numbers of a line, made. */
  at(line: string, quad: string): string;
}

/** WGSL of how lines come from memory, and of what multiplies them; both may name `line` and `quad`. */
interface LinesOf {
  readonly name: string;
  /** WGSL of the number of lines; undefined where there are as many as blocks reach. */
  readonly lines?: string;
  readonly fetch: string;
  readonly factor?: string;
}

function linesOf({name, lines, fetch, factor}: LinesOf): Lines {
  const [fetched, made] = [`${name}Fetched`, `${name}Made`];
  const value = factor === undefined ? 'fetched' : `(${factor}) * fetched`;
  const code = `
fn ${fetched}(${lines === undefined ? 'line' : 'wanted'}: u32, quad: u32) -> vec4f {
  ${lines === undefined ? '' : `let line = min(wanted, ${lines} - 1u);`}
  return ${fetch};
}
fn ${made}(line: u32, quad: u32, fetched: vec4f) -> vec4f {
  return ${lines === undefined ? value : `select(vec4f(), ${value}, line < ${lines})`};
}`;
  const factorOf = (alongInner: boolean, first: string): Factor => ({fetched, made, alongInner, first});
  return {
    code,
    along: first => factorOf(true, first),
    across: first => factorOf(false, first),
    at: (line, quad) => `${made}(${line}, ${quad}, ${fetched}(${line}, ${quad}))`,
  };
}

/** Whether every chunk is whole. */
export const isWhole = ({L, Q}: SsdShape): boolean => L % Q === 0;

/** WGSL before what is done for a `row` that may lie behind the last of its chunk's `tokens`. */
export const ifToken = (shape: SsdShape): string => (isWhole(shape) ? '' : 'if (row < tokens) ');

const tokensIn = (shape: SsdShape): string | undefined => (isWhole(shape) ? undefined : 'tokensOfChunk()');

/** Lines of [B, L, H, P], tokens of the head, times `factor`. */
export function inputLines(shape: SsdShape, name: string, factor?: string): Lines {
  const {P} = shape;
  const fetch = load4({name, width: P, reach: reachOf(P)}, 'tokenRow(line) * HEADS + head', 'quad');
  return linesOf({name, lines: tokensIn(shape), fetch, factor});
}

/** The same of [B, L, G, N], tokens of the group. */
export function sharedLines(shape: SsdShape, name: string, factor?: string): Lines {
  const {N} = shape;
  const fetch = load4({name, width: N, reach: reachOf(N)}, 'tokenRow(line) * GROUPS + group', 'quad');
  return linesOf({name, lines: tokensIn(shape), fetch, factor});
}

/** The same of [B, S, H, P, N], channels of the head's state before or behind the chunk. */
export function stateLines({P, N}: SsdShape, name: string): Lines {
  const fetch = load4({name, width: N, reach: reachOf(N)}, 'headOfChunk() * WIDTH + line', 'quad');
  return linesOf({name, lines: P % BLOCK === 0 ? undefined : 'WIDTH', fetch});
}

/** The same of [B, S, G, Q, Q], weights of pairs of tokens. */
export function scoreLines({Q}: SsdShape, name: string, factor?: string): Lines {
  const row = '((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + line';
  return linesOf({name, fetch: `${name}[(${row}) * ${Q / 4}u + quad]`, factor});
}

/** Bindings of rows of the sizes that inputs have. */
export function inputBindings({P}: SsdShape, ...names: string[]): Bindings {
  return Object.fromEntries(names.map(name => [name, rowType(P)]));
}
export function sharedBindings({N}: SsdShape, ...names: string[]): Bindings {
  return Object.fromEntries(names.map(name => [name, rowType(N)]));
}

/** Decays and step sizes of a chunk's tokens in workgroup memory: `decayOf(t)`, `stepOf(t)`, and by fours. */
export const tokenMemory = ({Q}: SsdShape): string => `
var<workgroup> decays: array<vec4f, ${Q / 4}>;
var<workgroup> stepSizes: array<vec4f, ${Q / 4}>;
fn decayOf(t: u32) -> f32 { return decays[t / 4u][t % 4u]; }
fn stepOf(t: u32) -> f32 { return stepSizes[t / 4u][t % 4u]; }
fn fromStart(t: u32) -> f32 { return exp2(decayOf(t)); }
fn untilEnd(t: u32) -> f32 { return exp2(decayOf(CHUNK - 1u) - decayOf(t)); }`;

/** WGSL that fills it for the present head; all threads of the workgroup must reach it. */
export const loadTokens = ({Q}: SsdShape): string => `
  if (local < ${Q / 4}u) {
    let at = headOfChunk() * CHUNK + 4u * local;
    let one = steps[at]; let two = steps[at + 1u]; let three = steps[at + 2u]; let four = steps[at + 3u];
    decays[local] = vec4f(one.x, two.x, three.x, four.x);
    stepSizes[local] = vec4f(one.y, two.y, three.y, four.y);
  }
  workgroupBarrier();`;
